import { setTimeout as wait } from 'node:timers/promises';
import { getRecurring, getRevenue } from '@slipway/contracts/reporting';
import type { Call } from '../client.ts';
import { addTo, areEqual, type Totals } from './expected.ts';

/** Reads figures from reporting, in the form of the computed totals. */
export type Reading = () => Promise<Totals>;

/** Reads the amounts paid and refunded, over all days. */
export const revenueOf =
  (admin: Call): Reading =>
  async () => {
    const totals: Totals = new Map();
    const { items } = await admin(getRevenue, { query: { by: 'day' } });
    for (const { planId, currency, paid, refunded } of items) {
      addTo(totals, planId, currency, BigInt(paid), BigInt(refunded));
    }
    return totals;
  };

/** Reads the active subscriptions and their monthly revenue. */
export const recurringOf =
  (admin: Call): Reading =>
  async () => {
    const totals: Totals = new Map();
    const { items } = await admin(getRecurring, {});
    for (const { planId, currency, active, monthlyRevenue } of items) {
      addTo(totals, planId, currency, BigInt(active), BigInt(monthlyRevenue));
    }
    return totals;
  };

/** Poll interval in milliseconds. */
const interval = 200;

/** Polls until the figures are as expected, or unchanged for `unchangedFor` milliseconds. Returns the last figures. */
export async function caughtUp(
  read: Reading,
  isExpected: (totals: Totals) => boolean,
  stopping: AbortSignal,
  unchangedFor = 20_000,
): Promise<Totals> {
  let totals = await read();
  let changedAt = Date.now();
  while (!isExpected(totals) && Date.now() - changedAt < unchangedFor) {
    await wait(interval, undefined, { signal: stopping });
    const next = await read();
    if (!areEqual(next, totals)) changedAt = Date.now();
    totals = next;
  }
  return totals;
}

/** Reads the figures when they no longer change, so that earlier events do not count as the demo's. */
export function settled(read: Reading, stopping: AbortSignal): Promise<Totals> {
  return caughtUp(read, () => false, stopping, 1_000);
}
