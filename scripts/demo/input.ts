import { createHash } from 'node:crypto';
import type { Plan, UsageRecord } from '@slipway/contracts/billing';

/** What the demo does is made of a seed alone; names come from the run, so that each run has people of its own. */
export type Participant = {
  /** Unique over runs; begins the names of all that this person makes. */
  name: string;
  seed: string;
  plan: Plan;
  /** Usage records that this person sends. */
  records: number;
  /** Means of payment, tried in this order. */
  methods: string[];
  /** Percent of the invoice that is given back. */
  refundPercent: number;
};

/** One person in five is declined at first, one meets a broken connection, one a provider that answers late. */
const methods = [['pm_ok'], ['pm_decline', 'pm_ok'], ['pm_ok'], ['pm_fail_once'], ['pm_late']];
const refundPercents = [0, 25, 100, 0, 0, 0, 0];

/**
 * Plans the demo: who takes part, by which plan, and how they pay.
 *
 * @param run makes the names of this run's people unlike those of any other
 */
export function participants(
  { seed, users, records }: { seed: string; users: number; records: number },
  run: string,
  plans: Plan[],
): Participant[] {
  return Array.from({ length: users }, (_, n) => ({
    name: `demo-${run}-${n}`,
    seed: `${seed}-${n}`,
    plan: of(plans, n),
    records: Math.floor(records / users) + (n < records % users ? 1 : 0),
    methods: of(methods, n),
    refundPercent: of(refundPercents, n),
  }));
}

function of<T>(values: T[], n: number): T {
  return values[n % values.length] as T;
}

/** The usage of one person: the same records, in the same order, every time it is asked for. */
export function* usageOf(
  { seed, plan, records }: Participant,
  subscription: { id: string; startedAt: string },
): Generator<UsageRecord> {
  const random = createRandom(seed);
  const startedAt = Date.parse(subscription.startedAt);
  for (let n = 0; n < records; n++) {
    const { metric } = of(plan.meters, Math.floor(random() * plan.meters.length));
    yield {
      id: `usage-${n}`,
      subscriptionId: subscription.id,
      metric,
      quantity: Math.floor(random() * 1_000),
      // Within the first second: never before the subscription began, nor in the future.
      at: new Date(startedAt + Math.floor(random() * 1_000)).toISOString(),
    };
  }
}

export function* linesOf(records: Iterable<UsageRecord>): Generator<string> {
  for (const record of records) yield `${JSON.stringify(record)}\n`;
}

/** Random numbers in [0, 1) that are the same for the same seed: mulberry32 by Tommy Ettinger, public domain. */
function createRandom(seed: string): () => number {
  let state = createHash('sha256').update(seed).digest().readUInt32LE();
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
