import { setTimeout as wait } from 'node:timers/promises';
import { readAdmin } from '../support/kubectl.ts';
import { eventually } from '../support/people.ts';
import { allCalm } from './cluster.ts';
import { type Crowd, gatherCrowd, renewTokens } from './crowd.ts';
import { type Figures, figuresOf, trouble } from './figures.ts';
import { startTraffic } from './traffic.ts';

/** The system under load, and what each act has done to it. */
export type Stage = {
  base: string;
  crowd: Crowd;
  /** Does something to the system while it is used, and tells what its users saw. */
  act(name: string, action: () => Promise<unknown>, options?: ActOptions): Promise<Act>;
  acts: Act[];
};

export type Act = {
  name: string;
  short: Figures;
  /** The requests that last 5 s, and the uploads. */
  long: Figures;
  /** The failures by kind, with times since the start of the action. */
  trouble: string[];
  /** How long it took until the system was as before; seconds. */
  took: number;
  /** When the last request was due that failed; seconds after the action's begin, 0 if none failed. */
  failedUntil: number;
};

type ActOptions = {
  /** Goes on until so many requests have been answered; 0 by default. */
  atLeast?: number;
  /** Short requests a second. */
  rate?: number;
  /** Resolves when the act may end; by default when all pods are ready and no old one is left. */
  settled?: () => Promise<unknown>;
};

/** Load before an action begins, so that connections are open and the first long requests are under way; milliseconds. */
const leadIn = 3_000;

/** No common factor with the 20 kinds of requests: everybody sends every kind. */
const members = 11;

/** @param rate short requests a second */
export async function openStage(base: string, rate: number): Promise<Stage> {
  const crowd = await gatherCrowd(base, await readAdmin(), members);
  const acts: Act[] = [];
  return {
    base,
    crowd,
    acts,
    async act(name, action, { atLeast = 0, settled = allCalm, ...options } = {}) {
      await renewTokens(base, crowd);
      const traffic = startTraffic(base, crowd, options.rate ?? rate);
      await wait(leadIn);
      const begin = performance.now();
      let samples: Awaited<ReturnType<typeof traffic.stop>>;
      let took = Number.NaN;
      try {
        await action();
        await settled();
        took = (performance.now() - begin) / 1_000;
        await eventually('enough requests are answered', async () => traffic.answered() >= atLeast, 120_000);
      } finally {
        samples = await traffic.stop();
      }
      const all = [...samples.short, ...samples.long].sort((a, b) => a.dueAt - b.dueAt);
      const lastFailed = all.findLast(({ outcome }) => outcome === 'failed');
      const act: Act = {
        name,
        short: figuresOf(samples.short),
        long: figuresOf(samples.long),
        trouble: trouble(all, begin),
        took,
        failedUntil: lastFailed ? (lastFailed.dueAt - begin) / 1_000 : 0,
      };
      acts.push(act);
      process.stdout.write(`${[rowOf(act).join(' | '), ...act.trouble].join('\n  ')}\n`);
      return act;
    },
  };
}

/** An act as a row of a table with these columns. */
export function rowOf({ name, short, long, failedUntil, took }: Act): string[] {
  const ms = (value: number) => (Number.isNaN(value) ? '–' : value.toFixed(0));
  return [
    name,
    String(short.sent),
    String(long.sent),
    String(short.failed + long.failed),
    String(short.shed + long.shed),
    ms(short.p50),
    ms(short.p99),
    ms(short.worst),
    failedUntil > 0 ? failedUntil.toFixed(1) : '–',
    took.toFixed(0),
  ];
}

export const columns = [
  'while',
  'requests',
  'of 5 s or longer',
  'failed',
  'shed',
  'p50 ms',
  'p99 ms',
  'slowest ms',
  'failed until s',
  'as before after s',
];
