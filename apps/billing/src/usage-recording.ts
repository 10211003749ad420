import { Problem } from '@slipway/contract-kit/problem';
import type { UsageRecord as UsageDocument } from '@slipway/contracts/billing';
import { problem } from '@slipway/contracts/errors';
import type { Clock } from './clock.ts';
import type { Counts } from './counts.ts';
import type { Subscription, SubscriptionStore } from './subscriptions.ts';
import { admit, type UsageRecord, type UsageStore, usageEvents } from './usage.ts';

/** What recording usage needs. */
export type Recorder = {
  subscriptions: Pick<SubscriptionStore, 'find'>;
  usage: Pick<UsageStore, 'add'>;
  clock: Clock;
  counts: Pick<Counts, 'usage'>;
  /** Whether the caller may record usage of a subscription. */
  mayRecord: (subscription: Subscription) => boolean;
};

export type RecordOutcome = 'added' | 'duplicate' | Problem;

/**
 * Records a batch of usage. What is wrong with one record stops no other.
 *
 * @returns the outcome of each record, in their order; a refused one has its problem.
 */
export async function record(recorder: Recorder, batch: UsageDocument[]): Promise<RecordOutcome[]> {
  const subscriptions = await visibleSubscriptions(recorder, batch);
  const now = recorder.clock.now();
  const clock = { ...recorder.clock, now: () => now };
  const checked = batch.map((each) =>
    check(() => admit(each, subscriptions.get(each.subscriptionId), clock)),
  );
  const admitted = checked.flatMap((each) => (each instanceof Problem ? [] : [each]));
  const written = (await recorder.usage.add(admitted, usageEvents)).values();
  const outcomes = checked.map((each) =>
    each instanceof Problem ? each : outcomeOf(written.next().value, each),
  );
  for (const outcome of outcomes) recorder.counts.usage[labelOf(outcome)].inc();
  return outcomes;
}

function labelOf(outcome: RecordOutcome): 'added' | 'duplicate' | 'refused' {
  return outcome instanceof Problem ? 'refused' : outcome;
}

async function visibleSubscriptions({ subscriptions, mayRecord }: Recorder, batch: UsageDocument[]) {
  const ids = [...new Set(batch.map(({ subscriptionId }) => subscriptionId))];
  const visible = (await subscriptions.find(ids)).filter(mayRecord);
  return new Map(visible.map((subscription) => [subscription.id, subscription]));
}

function check(admission: () => UsageRecord): UsageRecord | Problem {
  try {
    return admission();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

function outcomeOf(written: string | undefined, { id }: UsageRecord): RecordOutcome {
  if (written === 'added' || written === 'duplicate') return written;
  const message = `was used for a record with other content`;
  return problem('conflict', `The id ${id} ${message}`, { fields: [{ field: 'body.id', message }] });
}
