import { setTimeout as wait } from 'node:timers/promises';
import { getRecurring, getRevenue } from '@slipway/contracts/reporting';
import type { Call } from './client.ts';
import { addTo, areEqual, type Totals } from './expected.ts';

/** What reporting says, brought into the form of what was computed. */
export type Reading = () => Promise<Totals>;

/** Paid and refunded, over all days. */
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

/** Active subscriptions and their monthly revenue. */
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

/** Milliseconds between two readings. */
const interval = 200;

/** Reads until the figures are as expected, or have not changed for `patience` milliseconds; the last reading. */
export async function caughtUp(
  read: Reading,
  isExpected: (totals: Totals) => boolean,
  stopping: AbortSignal,
  patience = 20_000,
): Promise<Totals> {
  let totals = await read();
  let changedAt = Date.now();
  while (!isExpected(totals) && Date.now() - changedAt < patience) {
    await wait(interval, undefined, { signal: stopping });
    const next = await read();
    if (!areEqual(next, totals)) changedAt = Date.now();
    totals = next;
  }
  return totals;
}

/** Reads when nothing is on its way any more, so that what others did before does not count as the demo's. */
export function settled(read: Reading, stopping: AbortSignal): Promise<Totals> {
  return caughtUp(read, () => false, stopping, 1_000);
}
