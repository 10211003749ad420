import { createHash } from 'node:crypto';
import type { Plan, UsageRecord } from '@slipway/contracts/billing';

/** A person in the demo. The seed determines what they do. The name depends on the run: each run has other people. */
export type Participant = {
  /** Unique across runs. All ids and keys of this person begin with it. */
  name: string;
  seed: string;
  plan: Plan;
  /** Number of usage records that this person sends. */
  records: number;
  /** Payment methods, tried in this order. */
  methods: string[];
  /** Percentage of the invoice that is refunded. */
  refundPercent: number;
};

/** Of five people, one is declined first, one gets a connection error, and one gets a late response of the provider. */
const methods = [['pm_ok'], ['pm_decline', 'pm_ok'], ['pm_ok'], ['pm_fail_once'], ['pm_late']];
const refundPercents = [0, 25, 100, 0, 0, 0, 0];

/**
 * Generates the people of the demo, with their plans and payment methods.
 *
 * @param run makes the names of this run unique
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

/** Generates the usage of one person: the same records in the same order at every call. */
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
      // Within the first second: not before the subscription started, and hardly in the future.
      at: new Date(startedAt + Math.floor(random() * 1_000)).toISOString(),
    };
  }
}

export function* linesOf(records: Iterable<UsageRecord>): Generator<string> {
  for (const record of records) yield `${JSON.stringify(record)}\n`;
}

/** Creates a generator of random numbers in [0, 1) from a seed: mulberry32 by Tommy Ettinger, public domain. */
function createRandom(seed: string): () => number {
  let state = createHash('sha256').update(seed).digest().readUInt32LE();
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
