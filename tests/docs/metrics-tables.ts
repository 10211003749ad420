import { table } from './tables.ts';

export type MetricRow = { name: string; type: string; help: string; labels: string[] };

type Shown = { service: string; rows: MetricRow[] };

/** A table of what all services show, as `platform`, and one of what each shows beyond that. */
export function metricsTables(shown: Shown[]): Record<string, string> {
  const isShared = ({ name }: MetricRow) => shown.every(({ rows }) => rows.some((row) => row.name === name));
  const shared = shown[0]?.rows.filter(isShared) ?? [];
  const own = shown.map(({ service, rows }) => [service, toTable(rows.filter((row) => !isShared(row)))]);
  return { platform: toTable(shared), ...Object.fromEntries(own) };
}

function toTable(rows: MetricRow[]): string {
  if (rows.length === 0) return 'None of its own.';
  const sorted = rows.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return table(
    ['metric', 'type', 'labels', 'meaning'],
    sorted.map(({ name, type, help, labels }) => [
      `\`${name}\``,
      type,
      labels.map((label) => `\`${label}\``).join(', '),
      help.replaceAll('<', '&lt;').replaceAll('|', '\\|'),
    ]),
  );
}
