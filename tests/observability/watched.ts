import type { Chain } from './chain.ts';
import type { Journey } from './journey.ts';

/** What the suites look at: the chain, and the journey that it has watched. */
export type Watched = { chain: Chain; journey: Journey };

/** A line of a service's log. */
type Line = Record<string, unknown> & { service: string; msg: string };

/** All log lines of all services. */
export function logLines({ system }: Chain): Line[] {
  const printed = Object.values(system.services).map(({ output }) => output);
  const lines = printed.join('').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Line);
}
