import type { Sample } from './open-load.ts';

/** The results of a load. Latencies are milliseconds. */
export type Figures = {
  sent: number;
  ok: number;
  shed: number;
  failed: number;
  p50: number;
  p99: number;
  worst: number;
};

export function figuresOf(samples: readonly Sample[]): Figures {
  const count = (outcome: Sample['outcome']) => samples.filter((sample) => sample.outcome === outcome).length;
  const latencies = samples.map(({ latency }) => latency).sort((a, b) => a - b);
  return {
    sent: samples.length,
    ok: count('ok'),
    shed: count('shed'),
    failed: count('failed'),
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    worst: quantile(latencies, 1),
  };
}

/** The value that a share of the values does not exceed: the nearest rank, never one that was not measured. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/** Every kind of answer that was no success: how often, and when the first and the last was due, in seconds. */
export function trouble(samples: readonly Sample[], since = samples[0]?.dueAt ?? 0): string[] {
  const kinds = Map.groupBy(
    samples.filter(({ outcome }) => outcome !== 'ok'),
    ({ name, detail }) => `${name}: ${detail}`,
  );
  const at = (dueAt = since) => ((dueAt - since) / 1_000).toFixed(1);
  return [...kinds].map(
    ([kind, all]) => `${all.length} × ${kind}, from ${at(all[0]?.dueAt)} s to ${at(all.at(-1)?.dueAt)} s`,
  );
}
