import type { Plan } from '@slipway/contracts/billing';
import { update } from '@slipway/platform/events/aggregates';
import type { OutboxStore } from '@slipway/platform/events/outbox';
import { createMetrics } from '@slipway/platform/telemetry/metrics';
import { type ClosingParts, closeAccount } from '../account-closing.ts';
import { runBilling } from '../billing-run.ts';
import { clockSkew } from '../clock.ts';
import { createCounts } from '../counts.ts';
import type { Invoice } from '../invoices.ts';
import type { LedgerStore } from '../ledger.ts';
import { plans } from '../plans.ts';
import { openSandbox } from '../provider/sandbox.ts';
import { pay } from '../settlement.ts';
import { cancel, changePlan, resume, start } from '../subscriptions.ts';
import { record } from '../usage-recording.ts';
import { writeOff } from '../write-offs.ts';

type Store = Pick<ClosingParts, 'subscriptions' | 'invoices' | 'usage' | 'closedAccounts'> & {
  ledger: LedgerStore;
  outbox: OutboxStore;
};

/**
 * Billing's rules on a real store, with a clock and a catalogue that a test sets. Each method does what a route does.
 */
export function createWorld(store: Store, begin: string) {
  const world = { now: begin, plans: [...plans] as Plan[] };
  const clock = { now: () => world.now, tolerance: clockSkew };
  const counts = createCounts(createMetrics('billing', 'test'));
  const provider = openSandbox('sqlite::memory:', { delayMs: 1 });
  const billing = () => ({ ...store, clock, counts, plans: world.plans });
  const settlement = { ...store, provider, clock, counts, timeoutMs: () => 5_000 };
  const planOf = (id: string) => world.plans.find((plan) => plan.id === id) as Plan;
  const fail = (error: unknown) => {
    throw error;
  };
  let ids = 0;

  return Object.assign(world, {
    store,
    async subscribe(planId: string, userId = 'u1') {
      const id = `s${++ids}`;
      await store.subscriptions.add(start(id, userId, planOf(planId), world.now));
      return id;
    },
    changePlan: (id: string, planId: string) =>
      update(store.subscriptions, id, (present) => changePlan(present, planOf(planId), world.now)),
    cancel: (id: string) => update(store.subscriptions, id, (present) => cancel(present, world.now)),
    resume: (id: string) => update(store.subscriptions, id, (present) => resume(present, world.now)),
    async use(subscriptionId: string, quantity: number, at = world.now, metric = 'api_calls') {
      const usage = { id: `r${++ids}`, subscriptionId, metric, quantity, at };
      const recorder = { ...store, clock, counts, mayRecord: () => true };
      const [outcome] = await record(recorder, [usage]);
      if (outcome instanceof Error) throw outcome;
    },
    bill: () => runBilling(billing(), { asOf: world.now, mayGoOn: () => true, onFailure: fail }),
    leave: (userId = 'u1') => closeAccount({ ...billing(), mayGoOn: () => true }, userId),
    pay: (invoiceId: string, method = 'pm_ok') => pay(settlement, invoiceId, { id: `p${++ids}`, method }),
    writeOff: (invoiceId: string) =>
      update(store.invoices, invoiceId, (invoice) =>
        writeOff(invoice, { id: `w${++ids}`, reason: 'gone', now: world.now }),
      ),
    invoices: async (filter: { userId?: string; subscriptionId?: string } = {}): Promise<Invoice[]> =>
      (await store.invoices.list(filter, 10_000)).sort(
        (a, b) => a.subscriptionId.localeCompare(b.subscriptionId) || a.period - b.period,
      ),
  });
}

export type World = ReturnType<typeof createWorld>;
