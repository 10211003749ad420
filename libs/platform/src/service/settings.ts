import { readFileSync } from 'node:fs';
import { Type } from '@slipway/contract-kit/type';
import { Ajv, type ErrorObject } from 'ajv';
import type { Static, TObject } from 'typebox';
import { faultPattern } from '../experiments/fault.ts';
import { uncheckedSchemas } from '../http/validation.ts';
import { tracingSettings } from '../telemetry/tracing-settings.ts';

/** A secret setting, which is never printed. */
export const Secret = (options: { description: string; minLength?: number; pattern?: string }) =>
  Type.String({ minLength: 16, ...options, secret: true });

/** The settings of every service. A service adds its own in a `Type.Object` of the same form. */
export const platformSettings = Type.Object({
  HOST: Type.String({
    default: '127.0.0.1',
    description: 'Address that both listeners bind; `::` means every address of the machine, IPv4 and IPv6',
  }),
  PORT: Type.Integer({ default: 8080, minimum: 0, maximum: 65535, description: "The service's own port" }),
  MANAGEMENT_PORT: Type.Integer({
    default: 9080,
    minimum: 0,
    maximum: 65535,
    description: 'Port of /health, /started, /status, /metrics, /traces, /log-level and /experiment',
  }),
  MANAGEMENT_TOKEN: Type.Optional(
    Secret({
      pattern: '^\\S+$',
      description: 'The secret that an operator presents to change the log level of a running process',
    }),
  ),
  EXPERIMENTS_TOKEN: Type.Optional(
    Secret({
      pattern: '^\\S+$',
      description:
        'The secret with which the gateway starts experiments, such as a fault, in this process; without it, nobody can',
    }),
  ),
  FAULT: Type.Optional(
    Type.String({
      pattern: faultPattern,
      description:
        'A failure on purpose as long as the process is ready: service or store, then latency:<1–60000>ms, error or hang, and then a share if not all is to fail, such as store:latency:500ms:20%',
    }),
  ),
  LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    default: 'info',
    description: 'Least severe level that is logged',
  }),
  DRAIN_DELAY_MS: Type.Integer({
    default: 15_000,
    minimum: 0,
    maximum: 600_000,
    description:
      'How long a stopping service still accepts requests, so that load balancers and callers notice; milliseconds',
  }),
  STOP_DEADLINE_MS: Type.Integer({
    default: 30_000,
    minimum: 100,
    maximum: 900_000,
    description: 'Milliseconds after the signal at which a stop that has not finished is cut off',
  }),
  REQUEST_TIMEOUT_MS: Type.Integer({
    default: 10_000,
    minimum: 10,
    maximum: 600_000,
    description: 'Time limit of a request, if its caller sets no shorter deadline; milliseconds',
  }),
  HEADERS_TIMEOUT_MS: Type.Integer({
    default: 10_000,
    minimum: 100,
    maximum: 60_000,
    description: "Time limit for a client to send a request's head; milliseconds",
  }),
  KEEP_ALIVE_TIMEOUT_MS: Type.Integer({
    default: 125_000,
    minimum: 100,
    maximum: 3_600_000,
    description:
      'How long an idle connection stays open: longer than in the load balancer, which must close it first; milliseconds',
  }),
  BODY_LIMIT_BYTES: Type.Integer({
    default: 1_048_576,
    minimum: 1_024,
    maximum: 104_857_600,
    description: 'Maximum size of a request body, unless the route sets its own; bytes',
  }),
  ...tracingSettings,
});

export type PlatformSettings = Static<typeof platformSettings>;

/** The address of another service, as `discover` reads it. Checked here, to be reported with all wrong settings. */
export const ServiceUrl = (options: { default: string; description: string }) =>
  Type.String({ pattern: '^((dns|srv)[+])?https?://.', ...options });

/** Reports all wrong settings in one error, one per line. */
export class SettingsError extends Error {
  constructor(problems: string[]) {
    super(`Wrong settings:\n${problems.map((line) => `  ${line}`).join('\n')}`);
    this.name = 'SettingsError';
  }
}

/**
 * Reads settings from an environment: converts them, adds defaults, and reports all wrong ones together. The value of a
 * setting can also be in a file that `<NAME>_FILE` names, as Compose and Kubernetes mount secrets.
 *
 * @throws {SettingsError} naming each wrong setting with its rule, but without its value.
 * @example
 * const { PORT } = readSettings(platformSettings, { PORT: '8081' }); // 8081
 */
export function readSettings<S extends TObject>(schema: S, env: Environment): Static<S> {
  const { values, problems } = readFiles(schema, withoutEmpty(env));
  const settings = parse(schema, values, problems);
  const wrong = stopTooShort(settings as Partial<PlatformSettings>);
  if (wrong) throw new SettingsError([wrong]);
  return settings;
}

const ajvOptions = {
  ...{ allErrors: true, removeAdditional: true, useDefaults: true, coerceTypes: true },
  ...{ allowUnionTypes: true, keywords: ['secret'] },
  ...uncheckedSchemas,
};

/** @throws {SettingsError} with the given problems and those of the values. */
function parse<S extends TObject>(schema: S, values: Environment, problems: Problems): Static<S> {
  const settings = withPlainBooleans(schema, values);
  // Removes the variables of other programs.
  const fits = new Ajv(ajvOptions).compile<Static<S>>({ ...schema, additionalProperties: false });
  const wrongValues = fits(settings) ? [] : wrongOnes(fits.errors ?? [], schema, problems);
  const wrong = [...Object.values(problems), ...wrongValues];
  if (wrong.length > 0) throw new SettingsError(wrong);
  return settings as Static<S>;
}

/** Converts booleans to lower case, because OpenTelemetry's specification also allows `True`. */
function withPlainBooleans(schema: TObject, values: Environment): Environment {
  const plain = ([name, value]: [string, string | undefined]) => {
    const isBoolean = (schema.properties[name] as { type?: string } | undefined)?.type === 'boolean';
    return [name, isBoolean ? value?.toLowerCase() : value] as const;
  };
  return Object.fromEntries(Object.entries(values).map(plain));
}

/** Errors of files, by the name of the setting. */
type Problems = Record<string, string>;

/** Sets `NAME` to the content of the file that `<NAME>_FILE` names. */
function readFiles(schema: TObject, env: Environment): { values: Environment; problems: Problems } {
  const values = { ...env };
  const problems: Problems = {};
  for (const name of Object.keys(schema.properties)) {
    const file = env[`${name}_FILE`];
    if (file === undefined) continue;
    if (env[name] !== undefined) problems[name] = `${name} and ${name}_FILE are both set; set one of them`;
    else {
      try {
        values[name] = readFileSync(file, 'utf8').replace(/\r?\n$/, '') || undefined;
      } catch (error) {
        problems[name] = `${name}_FILE cannot be read: ${(error as NodeJS.ErrnoException).code} ${file}`;
      }
    }
  }
  return { values: withoutEmpty(values), problems };
}

/** Checks that a stop has time for the drain delay and then for a request with the default time limit. */
function stopTooShort(settings: Partial<PlatformSettings>): string | undefined {
  const {
    DRAIN_DELAY_MS = 0,
    REQUEST_TIMEOUT_MS = 0,
    STOP_DEADLINE_MS = Number.POSITIVE_INFINITY,
  } = settings;
  const needed = DRAIN_DELAY_MS + REQUEST_TIMEOUT_MS;
  if (needed < STOP_DEADLINE_MS) return undefined;
  return `STOP_DEADLINE_MS must be more than DRAIN_DELAY_MS + REQUEST_TIMEOUT_MS, which is ${needed}`;
}

export type Environment = Record<string, string | undefined>;

/** Removes empty variables, which mean "not set", as in Compose files and ConfigMaps. */
function withoutEmpty(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
}

/** Describes wrong settings, without those that are missing because their file could not be read. */
function wrongOnes(errors: ErrorObject[], schema: TObject, problems: Problems): string[] {
  return errors
    .map((each) => ({ ...each, name: each.instancePath.slice(1) || String(each.params.missingProperty) }))
    .filter(({ name }) => !Object.hasOwn(problems, name))
    .map((each) => `${each.name} ${ruleOf(each)} (${descriptionOf(schema, each.name)})`);
}

function ruleOf({ message, params }: ErrorObject): string {
  if (params.missingProperty) return 'is not set';
  if (Array.isArray(params.allowedValues)) return `must be one of ${params.allowedValues.join(', ')}`;
  return message ?? 'is wrong';
}

function descriptionOf(schema: TObject, name: string): string {
  return (schema.properties[name] as { description?: string } | undefined)?.description ?? 'no description';
}

/** Returns the settings for display: secrets are masked, and so are credentials in addresses. */
export function masked<S extends TObject>(schema: S, settings: Static<S>): Record<string, unknown> {
  const mask = ([name, value]: [string, unknown]) =>
    [name, isSecret(schema, name) ? '***' : withoutCredentials(value)] as const;
  return Object.fromEntries(Object.entries(settings as object).map(mask));
}

/** Masks credentials: `mongodb://name:password@host` becomes `mongodb://***@host`. */
function withoutCredentials(value: unknown): unknown {
  return typeof value === 'string' ? value.replaceAll(/\/\/[^/\s]*@/g, '//***@') : value;
}

function isSecret(schema: TObject, name: string): boolean {
  return (schema.properties[name] as { secret?: boolean } | undefined)?.secret === true;
}
