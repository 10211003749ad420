import type { Journey } from './journey.ts';
import type { Prometheus } from './prometheus.ts';
import type { Zipkin } from './zipkin.ts';

/** The eyes on a system: as people look at it, wherever it runs. */
export type Watcher = {
  zipkin: Zipkin;
  prometheus: Prometheus;
  /** All log lines of all services. */
  lines(): Promise<Line[]>;
};

/** The system that the suites check, and the journey that ran through it. */
export type Watched<Eyes extends Watcher = Watcher> = { chain: Eyes; journey: Journey };

/** A line of a service's log. */
export type Line = Record<string, unknown> & { service: string; msg: string };

export function parseLines(printed: string): Line[] {
  const lines = printed.split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Line);
}
