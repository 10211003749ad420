import type { Plan } from '@slipway/contracts/billing';

/**
 * The rules of billing, written from their description, without the service's code. Times are milliseconds,
 * amounts are BigInt, and each period is computed again whenever it is needed.
 *
 * - A period is a month from the subscription's start, in UTC. It has one plan: the last choice before it began.
 * - It costs the plan's price, and each metric beyond what is included, whenever the usage arrives.
 * - Choices and cancellations take effect when the next period begins. Leaving ends a period at once, for its full price.
 * - New prices are announced with an invoice, and hold from the next period, or the one after a later choice begins.
 * - A period is on an invoice after it has ended; usage that arrives later is on the next invoice.
 */
type Choice = { since: number; plan: Plan };
type Usage = { at: number; metric: string; quantity: number };
export type ModelSubscription = {
  userId: string;
  start: number;
  choices: Choice[];
  end?: number;
  /** The start of the last period. */
  last?: number;
  usage: Usage[];
  /** The expected amounts on invoices, by the start of the period. */
  stated: Map<number, bigint>;
  statedUsage: number;
};

const skew = 5 * 60_000;

export function monthsAfter(start: number, months: number): number {
  const from = new Date(start);
  const [year, month] = [from.getUTCFullYear(), from.getUTCMonth() + months];
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const midnight = Date.UTC(year, month, Math.min(from.getUTCDate(), lastDay));
  return midnight + (start % 86_400_000);
}

/** The start of the period that holds an instant. */
export function periodStart(start: number, at: number): number {
  let months = 0;
  while (monthsAfter(start, months + 1) <= at) months += 1;
  return monthsAfter(start, months);
}

function nextStart(start: number, at: number): number {
  let months = 0;
  while (monthsAfter(start, months) <= at) months += 1;
  return monthsAfter(start, months);
}

export function planAt({ choices }: ModelSubscription, at: number): Plan {
  return choices.findLast(({ since }) => since <= at)?.plan as Plan;
}

/** Returns the price of the period that begins at an instant, with the usage known so far. */
function costOf(subscription: ModelSubscription, begin: number): bigint {
  const { start, last, usage } = subscription;
  const next = nextStart(start, begin);
  const used = usage.filter(({ at }) => at >= begin && (at < next || begin === last));
  const plan = planAt(subscription, begin);
  return plan.meters.reduce((cost, { metric, included, price, per }) => {
    const quantity = used
      .filter((each) => each.metric === metric)
      .reduce((sum, each) => sum + each.quantity, 0);
    const beyond = BigInt(Math.max(0, quantity - included)) * BigInt(price);
    return cost + (beyond * 2n + BigInt(per)) / (BigInt(per) * 2n);
  }, BigInt(plan.price));
}

/** The starts of the periods that have ended. */
function endedPeriods(subscription: ModelSubscription, now: number): number[] {
  const { start, end = Number.POSITIVE_INFINITY, last = Number.POSITIVE_INFINITY } = subscription;
  const found: number[] = [];
  for (let begin = start; begin <= last; begin = nextStart(start, begin)) {
    if (Math.min(nextStart(start, begin), end) > now) break;
    found.push(begin);
  }
  return found;
}

export function createModel(catalogue: Plan[]) {
  const subscriptions = new Map<string, ModelSubscription>();
  const settled = new Map<string, bigint>();
  const model = { catalogue, subscriptions };
  const of = (id: string) => subscriptions.get(id) as ModelSubscription;
  const offered = (id: string) => model.catalogue.find((plan) => plan.id === id) as Plan;
  const ofUser = (userId: string) => [...subscriptions.values()].filter((each) => each.userId === userId);
  const isOver = ({ end }: ModelSubscription, now: number) => end !== undefined && end <= now;

  function bill(subscription: ModelSubscription, now: number): void {
    const ended = endedPeriods(subscription, now);
    const isNew = ended.some((begin) => !subscription.stated.has(begin));
    const isLate = isOver(subscription, now) && subscription.usage.length > subscription.statedUsage;
    if (!isNew && !isLate) return;
    for (const begin of ended) subscription.stated.set(begin, costOf(subscription, begin));
    subscription.statedUsage = subscription.usage.length;
    announce(subscription, now);
  }

  function announce({ start, end, choices }: ModelSubscription, now: number): void {
    const last = choices.at(-1) as Choice;
    const plan = offered(last.plan.id);
    if (end !== undefined || JSON.stringify(plan) === JSON.stringify(last.plan)) return;
    choices.push({ since: nextStart(start, Math.max(now, last.since)), plan });
  }

  return Object.assign(model, {
    isOver,
    subscribe(id: string, userId: string, planId: string, now: number) {
      const choices = [{ since: now, plan: offered(planId) }];
      subscriptions.set(id, { userId, start: now, choices, usage: [], stated: new Map(), statedUsage: 0 });
    },
    /** Returns whether the service should accept the command; so do the methods below. */
    changePlan(id: string, planId: string, now: number): boolean {
      const { choices, end, start } = of(id);
      const [last, plan] = [choices.at(-1) as Choice, offered(planId)];
      if (end !== undefined) return false;
      if (last.plan.id === planId) return true;
      if (last.plan.currency !== plan.currency) return false;
      while ((choices.at(-1) as Choice).since > now) choices.pop();
      choices.push({ since: nextStart(start, now), plan });
      return true;
    },
    cancel(id: string, now: number): boolean {
      const subscription = of(id);
      if (subscription.end !== undefined) return true;
      subscription.last = periodStart(subscription.start, now);
      subscription.end = nextStart(subscription.start, now);
      return true;
    },
    resume(id: string, now: number): boolean {
      if (isOver(of(id), now)) return false;
      of(id).end = undefined;
      of(id).last = undefined;
      return true;
    },
    use(id: string, usage: Usage, now: number): boolean {
      const { start, end = Number.POSITIVE_INFINITY, usage: known } = of(id);
      const at = Math.max(start, usage.at);
      if (usage.at > now + skew || usage.at < start - skew || at >= end) return false;
      known.push({ ...usage, at });
      return true;
    },
    bill(now: number) {
      for (const each of subscriptions.values()) bill(each, now);
    },
    leave(userId: string, now: number): boolean {
      for (const subscription of ofUser(userId)) {
        if (!isOver(subscription, now)) {
          subscription.end = now;
          subscription.last = periodStart(subscription.start, now);
        }
        bill(subscription, now);
      }
      return owed(userId) === 0n;
    },
    settle(userId: string, amount: number) {
      settled.set(userId, (settled.get(userId) ?? 0n) + BigInt(amount));
    },
    owed,
  });

  function owed(userId: string): bigint {
    const stated = ofUser(userId).flatMap((each) => [...each.stated.values()]);
    return stated.reduce((sum, amount) => sum + amount, 0n) - (settled.get(userId) ?? 0n);
  }
}

export type Model = ReturnType<typeof createModel>;
