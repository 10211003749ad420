import { describe, expect, it } from 'vitest';
import { expectAgreement, expectEventsToAgree } from './testing/agreement.ts';
import { createModel, monthsAfter, periodStart } from './testing/model.ts';
import { openForTest, stores } from './testing/stores.ts';
import { createWorld, type World } from './testing/world.ts';

/** Operations of a journey. */
const length = 300;
/** Instants at which calendars go wrong: 29 February, and both Sundays on which clocks in Europe change. */
const hardInstants = ['2024-02-29T00:00:00.000Z', '2024-03-31T01:00:00.000Z', '2024-10-27T01:00:00.000Z'];
const starts = ['2024-01-31T23:59:59.999Z', '2024-01-29T00:00:00.000Z', '2024-01-30T12:34:56.789Z'];
const day = 86_400_000;

/** Random numbers in [0, 1) that are the same for the same seed: mulberry32 by Tommy Ettinger, public domain. */
function createRandom(seed: number) {
  let state = seed;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (bound: number) => Math.floor(random() * bound);
  return { below, one: <T>(of: readonly T[]) => of[below(of.length)] as T };
}

describe.each(stores)('on $name, the rules agree with the model', ({ name, newSettings }) => {
  const seeds = name === 'SQLite' ? [1, 2, 3, 4, 5, 6] : [7, 8, 9];

  it.each(seeds)('over a journey of 300 operations, seed %i', { timeout: 120_000 }, async (seed) => {
    const store = await openForTest(newSettings());
    await journey(seed, createWorld(store, starts[seed % starts.length] as string));
  });
});

async function journey(seed: number, world: World): Promise<void> {
  const { below, one } = createRandom(seed);
  const model = createModel(world.plans);
  const ids: string[] = [];
  const users = ['ann', 'bob', 'cyd'];
  const steps: string[] = [];
  const now = () => Date.parse(world.now);
  const hard = hardInstants.map((instant) => Date.parse(instant));

  /** Does the same to both, and compares whether they accept it. */
  async function both(step: string, isAccepted: boolean, work: () => Promise<unknown>) {
    const outcome = await work().then(
      () => 'accepted',
      (error) => (error.code ? 'rejected' : String(error.stack)),
    );
    steps.push(`${world.now} ${step}: ${outcome}`);
    expect(outcome, steps.slice(-8).join('\n')).toBe(isAccepted ? 'accepted' : 'rejected');
  }

  function passTime(): void {
    const hop = one([1_000, 3_600_000, day, 3 * day, 9 * day]);
    const boundaries = [...model.subscriptions.values()].map(({ start }) => nextAfter(start, now()));
    const goal = one([now() + below(hop), one(boundaries) + one([-10_000, -1, 0, 1])]);
    const pending = hard.filter((instant) => instant > now());
    world.now = new Date(Math.max(now(), Math.min(goal, ...pending))).toISOString();
  }

  function someInstant(id: string): number {
    const { start } = model.subscriptions.get(id) as { start: number };
    const boundary = periodStart(start, start + below(Math.max(1, now() - start)));
    const span = Math.max(1, now() - start);
    return one([
      now(),
      now() + 240_000,
      now() + 360_000,
      start - 400_000,
      start - 1,
      start + below(span),
      boundary,
      boundary - 1,
    ]);
  }

  const operations: Record<string, (id?: string) => Promise<void>> = {
    async subscribe() {
      const [user, plan] = [one(users), one(model.catalogue).id];
      const id = await world.subscribe(plan, user);
      model.subscribe(id, user, plan, now());
      ids.push(id);
    },
    async changePlan() {
      const [id, plan] = [one(ids), one(model.catalogue).id];
      await both(`${id} moves to ${plan}`, model.changePlan(id, plan, now()), () =>
        world.changePlan(id, plan),
      );
    },
    async cancel(id = one(ids)) {
      await both(`${id} is cancelled`, model.cancel(id, now()), () => world.cancel(id));
    },
    async resume() {
      const id = one(ids);
      await both(`${id} is resumed`, model.resume(id, now()), () => world.resume(id));
    },
    async use() {
      const id = one(ids);
      const at = someInstant(id);
      const usage = {
        at,
        metric: one(['api_calls', 'storage_gb_hours']),
        quantity: below(one([10, 9_000, 120_000])),
      };
      const text = new Date(at).toISOString();
      await both(`${id} uses ${usage.quantity} ${usage.metric} at ${text}`, model.use(id, usage, now()), () =>
        world.use(id, usage.quantity, text, usage.metric),
      );
    },
    /** Usage is dated into a period that a cancellation then takes away. */
    async cross() {
      const id = one(ids);
      const { start } = model.subscriptions.get(id) as { start: number };
      const boundary = nextAfter(start, now());
      if (hard.some((instant) => instant > now() && instant < boundary)) return;
      world.now = new Date(Math.max(now(), boundary - 10_000)).toISOString();
      const usage = { at: boundary + 10_000, metric: 'api_calls', quantity: 120_000 };
      const text = new Date(usage.at).toISOString();
      await both(`${id} uses ahead`, model.use(id, usage, now()), () => world.use(id, usage.quantity, text));
      await operations.cancel?.(id);
    },
    async bill() {
      model.bill(now());
      await both('all is billed', true, world.bill);
      await expectAgreement(world, model, steps);
      await expectEventsToAgree(world, model, steps);
    },
    async leave() {
      const user = one(users);
      const mayLeave = model.leave(user, now());
      await both(`${user} leaves`, mayLeave, () => world.leave(user));
      await expectAgreement(world, model, steps);
      if (mayLeave) users[users.indexOf(user)] = `${user}+`;
    },
    async settle() {
      const open = (await world.invoices()).filter(({ status }) => status === 'open');
      if (open.length === 0) return;
      const { id, userId, total } = one(open);
      model.settle(userId, total);
      await both(`${id} is settled`, true, () => (below(4) === 0 ? world.writeOff(id) : world.pay(id)));
    },
    async release() {
      const change = one(model.catalogue).id;
      const plans = model.catalogue.map((plan) =>
        plan.id === change ? { ...plan, price: below(20_000) } : plan,
      );
      model.catalogue = plans;
      world.plans = plans;
      steps.push(`${world.now} ${change} costs something else`);
    },
  };

  const often = [
    'use',
    'use',
    'use',
    'use',
    'changePlan',
    'cancel',
    'resume',
    'bill',
    'bill',
    'settle',
    'settle',
  ];
  const deck = [...often, 'subscribe', 'leave', 'release', 'cross'];
  await operations.subscribe?.();
  for (let n = 0; n < length; n++) {
    passTime();
    await operations[one(deck)]?.();
  }
  world.now = new Date(Math.max(monthsAfter(now(), 2), (hard.at(-1) as number) + 40 * day)).toISOString();
  await operations.bill?.();
  expect(now()).toBeGreaterThan(hard.at(-1) as number);
}

function nextAfter(start: number, at: number): number {
  let months = 0;
  while (monthsAfter(start, months) <= at) months += 1;
  return monthsAfter(start, months);
}
