import { Problem } from '@slipway/contract-kit/problem';
import type { UsageRecord as UsageDocument } from '@slipway/contracts/billing';
import { problem } from '@slipway/contracts/errors';
import { update } from '@slipway/platform/events/aggregates';
import type { Clock } from './clock.ts';
import type { Counts } from './counts.ts';
import { reopen, type Subscription, type SubscriptionStore } from './subscriptions.ts';
import { admit, type UsageOutcome, type UsageRecord, type UsageStore, usageEvents } from './usage.ts';
import { unbilled } from './usage-billed.ts';

/** The dependencies of `record`. */
export type Recorder = {
  subscriptions: SubscriptionStore;
  usage: UsageStore;
  clock: Clock;
  counts: Pick<Counts, 'usage'>;
  /** Returns whether the caller may record usage of a subscription. */
  mayRecord: (subscription: Subscription) => boolean;
};

export type RecordOutcome = 'added' | 'duplicate' | Problem;

/**
 * Records a batch of usage. An invalid record does not affect the others.
 *
 * @returns the outcome of each record, in order; a problem for each rejected record.
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
  await reopenEnded(recorder, admitted);
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

/**
 * Makes ended subscriptions due again if usage arrived after their last invoice. Runs after the usage is stored.
 * A billing run ends a subscription first and reads its usage afterwards, so at least one of the two finds late usage.
 */
async function reopenEnded({ subscriptions, usage }: Recorder, admitted: UsageRecord[]): Promise<void> {
  const ids = [...new Set(admitted.map(({ subscriptionId }) => subscriptionId))];
  for (const { id, endsAt, dueAt } of await subscriptions.find(ids)) {
    if (endsAt === undefined || dueAt !== undefined) continue;
    const totals = await usage.totals(id);
    await update(subscriptions, id, (present) => reopen(present, unbilled(present, totals)));
  }
}

function check(admission: () => UsageRecord): UsageRecord | Problem {
  try {
    return admission();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

function outcomeOf(written: UsageOutcome | undefined, { id, metric }: UsageRecord): RecordOutcome {
  if (written === 'added' || written === 'duplicate') return written;
  if (written === 'too_large') {
    const fields = [{ field: 'body.quantity', message: `makes the sum of ${metric} too large` }];
    return problem('sum_too_large', `The subscription's sum of ${metric} would exceed 2^53 - 1`, { fields });
  }
  const message = `was used for a record with other content`;
  return problem('conflict', `The id ${id} ${message}`, { fields: [{ field: 'body.id', message }] });
}
