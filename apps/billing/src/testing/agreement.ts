import type { DomainEvent } from '@slipway/contract-kit/event';
import { expect } from 'vitest';
import { type Model, periodStart, planAt } from './model.ts';
import type { World } from './world.ts';

/** Expects every period to be on invoices with the amount that it costs, and the books to hold what is owed. */
export async function expectAgreement(world: World, model: Model, steps: string[]): Promise<void> {
  const seen = steps.slice(-12).join('\n');
  const invoices = await world.invoices();
  for (const [id, { stated }] of model.subscriptions) {
    const lines = invoices.filter((each) => each.subscriptionId === id).flatMap((each) => each.lines);
    const amounts = new Map<number, bigint>();
    for (const { periodStart: begin = '', amount } of lines) {
      const key = Date.parse(begin);
      amounts.set(key, (amounts.get(key) ?? 0n) + BigInt(amount));
    }
    expect([...amounts].sort(), `${id}\n${seen}`).toEqual([...stated].sort());
  }
  const sums = invoices.every(
    ({ lines, total }) => total === lines.reduce((sum, { amount }) => sum + amount, 0),
  );
  expect(sums, seen).toBe(true);
  const users = new Set([...model.subscriptions.values()].map(({ userId }) => userId));
  const owed = [...users].reduce((sum, user) => sum + model.owed(user), 0n);
  const balances = await world.store.ledger.balances();
  const receivable = balances.filter(({ account }) => account === 'receivable');
  expect(
    receivable.reduce((sum, { balance }) => sum + BigInt(balance), 0n),
    seen,
  ).toBe(owed);
  expect(
    balances.reduce((sum, { balance }) => sum + balance, 0),
    seen,
  ).toBe(0);
}

/** Expects reporting to learn from the events which subscriptions run, on which plans and at which prices. */
export async function expectEventsToAgree(world: World, model: Model, steps: string[]): Promise<void> {
  const events = await world.store.outbox.pending(100_000);
  expect(recurringOf(events), steps.slice(-8).join('\n')).toEqual(recurringIn(model, Date.parse(world.now)));
}

type Recurring = Record<string, { planId: string; price: number }>;

/** The view that reporting derives from the events: the newest state of each subscription that runs. */
function recurringOf(events: DomainEvent[]): Recurring {
  const running: Recurring = {};
  const sent = events.filter(({ type }) => type.startsWith('subscription.'));
  for (const { type, data } of sent.sort((a, b) => Number(a.data.version) - Number(b.data.version))) {
    const id = String(data.subscriptionId);
    if (type === 'subscription.cancelled') delete running[id];
    else running[id] = { planId: String(data.planId), price: Number(data.price) };
  }
  return running;
}

function recurringIn(model: Model, now: number): Recurring {
  const running = [...model.subscriptions].filter(([, each]) => !model.isOver(each, now));
  return Object.fromEntries(
    running.map(([id, each]) => {
      const { id: planId, price } = planAt(each, periodStart(each.start, now));
      return [id, { planId, price }];
    }),
  );
}
