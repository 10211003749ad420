import type { EventData, EventType } from '@slipway/contracts/events';
import type { ReportedEvent } from '../figures.ts';

/** Plans with the price of a month, in minor units. */
const plans = [
  { planId: 'free', currency: 'EUR', price: 0 },
  { planId: 'starter', currency: 'EUR', price: 1_900 },
  { planId: 'pro', currency: 'EUR', price: 9_900 },
  { planId: 'pro-usd', currency: 'USD', price: 10_900 },
];
const metrics = ['api_calls', 'storage_gb_hours'];
const monthsInYear = 12;

type Plan = (typeof plans)[number];
type Random = () => number;
type Options = { seed: number; customers: number; usagePerMonth: number };

/**
 * Generates what customers of the year 2025 do: they sign up, subscribe, use both metrics, change their plans, are
 * invoiced, pay, are declined, get refunds, cancel, and sometimes return. The same options generate the same events, in the
 * order of customers. Some events have another offset from UTC than zero, and some happen at the turn of a month.
 *
 * @param options.usagePerMonth number of usage events of a customer in a month
 */
export function* generateYear({ seed, customers, usagePerMonth }: Options): Generator<ReportedEvent> {
  const random = createRandom(seed);
  for (let n = 0; n < customers; n++) yield* customer(n, random, usagePerMonth);
}

function* customer(n: number, random: Random, usagePerMonth: number): Generator<ReportedEvent> {
  const ids = { userId: `u${n}`, subscriptionId: `s${n}` };
  let count = 0;
  const event = <T extends EventType>(type: T, month: number, data: EventData<T>) =>
    ({ id: `y${n}-${++count}`, type, at: timeIn(month, random), source: 'test', data }) as ReportedEvent;
  const first = Math.floor(random() * monthsInYear);
  yield event('user.signed_up', first, { userId: ids.userId });
  if (random() < 0.1) return;
  let plan = plans[n % plans.length] as Plan;
  let version = 1;
  yield event('subscription.started', first, { ...ids, ...plan, version });
  for (let month = first; month < monthsInYear; month++) {
    for (let use = 0; use < usagePerMonth; use++) {
      const metric = metrics[use % metrics.length] as string;
      const quantity = Math.floor(random() ** 3 * 60_000);
      yield event('usage.recorded', month, {
        ...ids,
        metric,
        quantity,
        records: 1 + Math.floor(random() * 9),
      });
    }
    yield* bill(ids.subscriptionId, `i${n}-${month}`, plan, event, month, random);
    const chance = random();
    if (chance < 0.04) {
      yield event('subscription.cancelled', month, { ...ids, ...plan, version: ++version });
      if (random() < 0.7) return;
      yield event('subscription.started', month, { ...ids, ...plan, version: ++version });
    } else if (chance < 0.14) {
      const others = plans.filter(({ currency }) => currency === plan.currency);
      plan = others[Math.floor(random() * others.length)] as Plan;
      yield event('subscription.changed', month, { ...ids, ...plan, version: ++version });
    }
  }
}

type MakeEvent = <T extends EventType>(type: T, month: number, data: EventData<T>) => ReportedEvent;

function* bill(
  subscriptionId: string,
  invoiceId: string,
  plan: Plan,
  event: MakeEvent,
  month: number,
  random: Random,
): Generator<ReportedEvent> {
  const { planId, currency, price } = plan;
  const amount = price + Math.floor(random() * 5_000);
  const money = { subscriptionId, invoiceId, planId, currency, amount };
  const [periodStart, periodEnd] = [startOf(month), startOf(month + 1)];
  yield event('invoice.issued', month, { ...money, periodStart, periodEnd });
  if (random() < 0.1) yield event('payment.declined', month, { ...money, paymentId: `${invoiceId}-d` });
  if (random() < 0.05) return;
  const paymentId = `${invoiceId}-p`;
  const later = random() < 0.3 ? month + 1 : month;
  yield event('payment.succeeded', later, { ...money, paymentId });
  if (random() < 0.05) {
    const part = Math.floor(amount * random());
    yield event('refund.succeeded', later, { ...money, amount: part, paymentId, refundId: `${invoiceId}-r` });
  }
}

const startOf = (month: number) => new Date(Date.UTC(2025, month, 1)).toISOString();

/** Returns a time in a month of 2025, or in January of 2026 for 12; one of eight is in another zone. */
function timeIn(month: number, random: Random): string {
  const start = Date.UTC(2025, month, 1);
  const length = Date.UTC(2025, month + 1, 1) - start;
  const time = start + Math.floor(random() * length);
  if (random() > 1 / 8) return new Date(time).toISOString();
  const hour = 3_600_000;
  return `${new Date(time + 2 * hour).toISOString().slice(0, -1)}+02:00`;
}

/** Creates a generator of random numbers in [0, 1): mulberry32 by Tommy Ettinger, public domain. */
function createRandom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
