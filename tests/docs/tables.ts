import { problemTable } from '@slipway/contracts/errors';
import { platformSettings } from '@slipway/platform/service/settings';
import type { TObject } from 'typebox';
import { system } from '../../scripts/system.ts';

/** The JSON Schema of one setting. */
type Setting = {
  type?: string;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  default?: unknown;
  description?: string;
  secret?: boolean;
};

/** A table in Markdown. */
export function table(head: string[], rows: string[][]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Every error code, with the anchor that the `type` of a problem document points to. */
export function errorTable(): string {
  const rows = Object.entries(problemTable).map(([code, { status, title }]) => [
    `<a id="${code}"></a>\`${code}\``,
    String(status),
    title,
  ]);
  return table(['code', 'status', 'meaning'], rows);
}

/** The settings of a schema; with `own`, only those that the platform does not have or has otherwise. */
export function settingsTable(schema: TObject, own = false): string {
  const required: readonly string[] = schema.required ?? [];
  const rows = Object.entries(schema.properties as Record<string, Setting>)
    .filter(([name, setting]) => !own || platformSettings.properties[name as never] !== setting)
    .map(([name, setting]) => [
      `\`${name}\``,
      kindOf(setting),
      defaultOf(setting, required.includes(name)),
      (setting.description ?? '').replaceAll('<', '&lt;'),
    ]);
  return table(['setting', 'type', 'default', 'meaning'], rows);
}

/** The settings of `npm start` for the ports of the services. */
export function portsTable(): string {
  const rows = Object.entries(system).flatMap(([name, { port, management }]) => [
    [`\`${name.toUpperCase()}_PORT\``, `\`${port}\``, `Port of ${name}`],
    [`\`${name.toUpperCase()}_MANAGEMENT_PORT\``, `\`${management}\``, `Management port of ${name}`],
  ]);
  return table(['setting', 'default', 'meaning'], rows);
}

function kindOf({ type, enum: values, minimum, maximum, minLength, secret }: Setting): string {
  if (values) return values.join(', ');
  if (secret) return `secret, ${minLength} characters or more`;
  if (minimum === undefined) return String(type);
  return maximum === undefined ? `${type} ≥ ${minimum}` : `${type} ${minimum}–${maximum}`;
}

function defaultOf({ default: value }: Setting, isRequired: boolean): string {
  if (value === '') return 'empty';
  if (value !== undefined) return `\`${value}\``;
  return isRequired ? '**required**' : 'none';
}
