import { aggregatesContract } from '@slipway/platform/events/aggregates.contract';
import { fencedContract } from '@slipway/platform/jobs/fence.contract';
import { jobStoreContract } from '@slipway/platform/jobs/job-store.contract';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Invoice, issue, pendingSince } from '../invoices.ts';
import { beginPayment, settlePayment } from '../payments.ts';
import { planOf } from '../plans.ts';
import { advance, cancel, type Subscription, start } from '../subscriptions.ts';
import type { BillingStore } from './store.ts';
import { describeUsage } from './usage.contract.ts';
import { describeValues } from './values.contract.ts';

type Opened = {
  store: BillingStore;
  /** Opens the same data once more; absent if the data is lost with the store. */
  openAgain?: () => BillingStore | Promise<BillingStore>;
  /** Deletes the test's data after the store is closed. */
  drop?: () => Promise<void>;
};

const began = '2026-01-31T10:00:00.000Z';
const subscriptionAt = (id: string, at = began, userId = 'u1') => start(id, userId, planOf('starter'), at);
const invoiceOf = (subscription: Subscription, now = '2026-03-01T00:00:00.000Z') =>
  issue(subscription, [], now);
const paymentOn = (invoice: Invoice, id: string, now: string) => {
  const change = beginPayment(invoice, { id, method: 'pm_ok', now });
  if (!change) throw new Error('The invoice has this payment');
  return change;
};
const ids = (items: { id: string }[]) => items.map(({ id }) => id);

/** The contract suite of billing's stores. Each test begins with an empty store. */
export function describeBillingStore(name: string, open: () => Promise<Opened>): void {
  const openAggregates = async <Key extends 'subscriptions' | 'invoices'>(key: Key) => {
    const { store, openAgain, drop } = await open();
    const second = (await openAgain?.()) ?? store;
    const stores: [BillingStore[Key], BillingStore[Key]] = [store[key], second[key]];
    const close = async () => {
      await Promise.all([...new Set([store, second])].map((each) => each.close()));
      await drop?.();
    };
    return { stores, outbox: store.outbox, close };
  };
  const aSubscription = { first: subscriptionAt('s1'), also: { entries: [] } };
  aggregatesContract(`subscriptions of ${name}`, () => openAggregates('subscriptions'), aSubscription);
  fencedContract(`subscriptions of ${name}`, () => openAggregates('subscriptions'), aSubscription);
  const anInvoice = { first: invoiceOf(subscriptionAt('s1').next), also: { entries: [] } };
  aggregatesContract(`invoices of ${name}`, () => openAggregates('invoices'), anInvoice);
  fencedContract(`invoices of ${name}`, () => openAggregates('invoices'), anInvoice);

  jobStoreContract(`billing on ${name}`, open, { publishes: true });

  describe(`the billing store: ${name}`, () => {
    let store: BillingStore;
    let openAgain: Opened['openAgain'];
    let drop: Opened['drop'];
    beforeEach(async () => {
      ({ store, openAgain, drop } = await open());
    });
    afterEach(async () => {
      await store.close();
      await drop?.();
    });

    describe('lists of subscriptions', () => {
      beforeEach(async () => {
        for (const [id, at, user] of [
          ['a', '2026-01-01T00:00:00.000Z', 'u1'],
          ['b', '2026-01-02T00:00:00.000Z', 'u1'],
          ['c', '2026-01-02T00:00:00.000Z', 'u2'],
          ['d', '2026-01-03T00:00:00.000Z', 'u1'],
        ] as const) {
          await store.subscriptions.add(subscriptionAt(id, at, user));
        }
        const ended = cancel(
          subscriptionAt('b', '2026-01-02T00:00:00.000Z').next,
          '2026-01-05T00:00:00.000Z',
        );
        if (ended) await store.subscriptions.replace(ended);
      });

      it('find those of the ids that exist', async () => {
        expect(ids(await store.subscriptions.find(['d', 'x', 'a'])).sort()).toEqual(['a', 'd']);
        expect(await store.subscriptions.find([])).toEqual([]);
      });

      it('are newest first, filtered, and go on after a position', async () => {
        expect(ids(await store.subscriptions.list({}, 10))).toEqual(['d', 'c', 'b', 'a']);
        expect(ids(await store.subscriptions.list({ userId: 'u1' }, 2))).toEqual(['d', 'b']);
        expect(ids(await store.subscriptions.list({ userId: 'u1', status: 'active' }, 10))).toEqual([
          'd',
          'a',
        ]);
        const after = { at: '2026-01-02T00:00:00.000Z', id: 'c' };
        expect(ids(await store.subscriptions.list({}, 10, after))).toEqual(['b', 'a']);
      });

      it('know what is due, first what is due longest', async () => {
        const due = (asOf: string, after?: { at: string; id: string }) =>
          store.subscriptions.due(asOf, 10, after);
        expect(ids(await due('2026-01-04T23:59:59.999Z'))).toEqual([]);
        expect(ids(await due('2026-02-02T00:00:00.000Z'))).toEqual(['a', 'b', 'c']);
        const after = { at: '2026-02-01T00:00:00.000Z', id: 'a' };
        expect(ids(await due('2026-02-02T00:00:00.000Z', after))).toEqual(['b', 'c']);
      });

      it('forget what has nothing to bill any more', async () => {
        const ended = await store.subscriptions.get('b');
        const closed = ended && advance(ended, { usage: [] }, '2026-02-02T00:00:00.000Z');
        if (closed) await store.subscriptions.replace(closed);
        expect(ids(await store.subscriptions.due('2027-01-01T00:00:00.000Z', 10))).toEqual(['a', 'c', 'd']);
      });
    });

    describe('invoices', () => {
      const add = async (id: string, now: string, user = 'u1') => {
        const change = invoiceOf(subscriptionAt(id, began, user).next, now);
        await store.invoices.add(change);
        return change.next;
      };

      it('are listed newest first, filtered, and go on after a position', async () => {
        const first = await add('a', '2026-03-01T00:00:00.000Z');
        await add('b', '2026-03-02T00:00:00.000Z');
        await add('c', '2026-03-02T00:00:00.000Z', 'u2');
        await store.invoices.replace(paymentOn(first, 'p1', began));
        expect(ids(await store.invoices.list({}, 10))).toEqual(['c.1', 'b.1', 'a.1']);
        expect(ids(await store.invoices.list({ userId: 'u1' }, 1))).toEqual(['b.1']);
        expect(ids(await store.invoices.list({ status: 'paying' }, 10))).toEqual(['a.1']);
        expect(ids(await store.invoices.list({ userId: 'u1', subscriptionId: 'b' }, 10))).toEqual(['b.1']);
        const after = { at: '2026-03-02T00:00:00.000Z', id: 'b.1' };
        expect(ids(await store.invoices.list({}, 10, after))).toEqual(['a.1']);
      });

      it('are found by each of their payments', async () => {
        const open = await add('a', began);
        const paying = paymentOn(open, 'p1', began);
        await store.invoices.replace(paying);
        const declined = settlePayment(paying.next, 'p1', { outcome: 'declined', reason: '' }, began);
        if (declined) await store.invoices.replace(declined);
        const again = paymentOn(declined?.next ?? open, 'p2', began);
        await store.invoices.replace(again);
        expect(await store.invoices.byPayment('p1')).toEqual(again.next);
        expect(await store.invoices.byPayment('p2')).toEqual(again.next);
        expect(await store.invoices.byPayment('p3')).toBeUndefined();
      });

      it('are unsettled from the payment until its result, oldest first', async () => {
        const pay = async (id: string, at: string) => {
          const paying = paymentOn(await add(id, began), `p-${id}`, at);
          await store.invoices.replace(paying);
          return paying.next;
        };
        const first = await pay('a', '2026-03-01T00:00:00.000Z');
        await pay('b', '2026-03-01T00:00:01.000Z');
        await pay('c', '2026-03-01T00:00:02.000Z');
        const until = '2026-03-01T00:00:01.000Z';
        const found = await store.invoices.unsettled(until, 10);
        expect(found.map((invoice) => [invoice.id, pendingSince(invoice)])).toEqual([
          ['a.1', '2026-03-01T00:00:00.000Z'],
          ['b.1', until],
        ]);
        expect(ids(await store.invoices.unsettled(until, 10, { at: first.issuedAt, id: 'a.1' }))).toEqual([
          'a.1',
          'b.1',
        ]);
        expect(
          ids(await store.invoices.unsettled(until, 10, { at: '2026-03-01T00:00:00.000Z', id: 'a.1' })),
        ).toEqual(['b.1']);
        const paid = settlePayment(first, 'p-a', { outcome: 'succeeded' }, until);
        if (paid) await store.invoices.replace(paid);
        expect(ids(await store.invoices.unsettled(until, 1))).toEqual(['b.1']);
      });
    });

    it('knows since when an account is closed', async () => {
      expect(await store.closedAccounts.closedAt('u1')).toBeUndefined();
      await store.closedAccounts.close('u1', '2026-03-02T00:00:00.000Z');
      await store.closedAccounts.close('u1', '2026-03-01T00:00:00.000Z');
      expect(await store.closedAccounts.closedAt('u1')).toBe('2026-03-02T00:00:00.000Z');
      await store.closedAccounts.close('u1', '2026-03-03T00:00:00.000Z');
      expect(await store.closedAccounts.closedAt('u1')).toBe('2026-03-03T00:00:00.000Z');
      expect(await store.closedAccounts.closedAt('u2')).toBeUndefined();
    });

    describe('the ledger', () => {
      it('holds the entries of each change, in their order, and adds them up', async () => {
        const issued = invoiceOf(subscriptionAt('a').next, '2026-03-01T00:00:00.000Z');
        await store.invoices.add(issued);
        const paying = paymentOn(issued.next, 'p1', began);
        await store.invoices.replace(paying);
        const paid = settlePayment(paying.next, 'p1', { outcome: 'succeeded' }, '2026-03-02T00:00:00.000Z');
        if (paid) await store.invoices.replace(paid);
        const inDollars = start('d', 'u1', planOf('pro-usd'), began).next;
        const other = issue(inDollars, [], '2026-03-01T00:00:00.000Z');
        await store.invoices.add(other);

        expect(await store.ledger.balances()).toEqual([
          { account: 'cash', currency: 'EUR', balance: 1_900 },
          { account: 'receivable', currency: 'EUR', balance: 0 },
          { account: 'receivable', currency: 'USD', balance: 10_900 },
          { account: 'revenue:pro-usd', currency: 'USD', balance: -10_900 },
          { account: 'revenue:starter', currency: 'EUR', balance: -1_900 },
        ]);
        expect(await store.ledger.list(2)).toEqual([...issued.entries, ...other.entries]);
        const after = { at: '2026-03-01T00:00:00.000Z', id: 'issued:d.1' };
        expect(await store.ledger.list(10, after)).toEqual(paid?.entries);
      });

      it('has nothing of a change that was not written', async () => {
        const issued = invoiceOf(subscriptionAt('a').next);
        await store.invoices.add(issued);
        await store.invoices.add({
          ...issued,
          entries: issued.entries.map((entry) => ({ ...entry, id: 'again' })),
        });
        await store.invoices.replace({
          ...issued,
          entries: issued.entries.map((entry) => ({ ...entry, id: 'again' })),
        });
        expect(await store.ledger.list(10)).toEqual(issued.entries);
      });
    });

    describeUsage(
      () => store,
      async () => openAgain?.(),
    );
    describeValues(() => store);

    it('answers a ping', async () => {
      await expect(store.ping()).resolves.toBeUndefined();
    });

    it('has everything again after it was opened anew', async () => {
      if (!openAgain) return;
      await store.subscriptions.add(subscriptionAt('s1'));
      await store.invoices.add(invoiceOf(subscriptionAt('s1').next));
      await store.close();
      store = await openAgain();
      expect(await store.subscriptions.get('s1')).toEqual(subscriptionAt('s1').next);
      expect(await store.invoices.get('s1.1')).toBeDefined();
      expect(await store.outbox.pending(10)).toHaveLength(2);
    });
  });
}
