import { describe, expect, it } from 'vitest';
import { type Invoice, issue } from '../invoices.ts';
import { type Change, ledgerEntry, transfer } from '../ledger.ts';
import { planOf } from '../plans.ts';
import { type Subscription, start } from '../subscriptions.ts';
import type { BillingStore } from './store.ts';

const began = '2026-01-31T10:00:00.000Z';
const subscriptionAt = (id: string, at: string) => start(id, 'u1', planOf('starter'), at);
const invoiceOf = (subscription: Subscription): Change<Invoice> =>
  issue(subscription, [], '2026-03-01T00:00:00.000Z');
const ids = (items: { id: string }[]) => items.map(({ id }) => id);

/** The contract suite of unusual values: every store returns them unchanged and in the right order. */
export function describeValues(open: () => BillingStore): void {
  describe('values', () => {
    it.each([
      ['of a foreign script', 'Zoë 東京 🚢 \u2028 "quoted" \\ $set'],
      ['that are long', 'x'.repeat(1_000_000)],
    ])('%s are kept as they are', async (_, name) => {
      const change = invoiceOf(subscriptionAt('s1', began).next);
      change.next.lines.push({ description: name, quantity: 1, amount: Number.MAX_SAFE_INTEGER });
      await open().invoices.add(change);
      expect(await open().invoices.get('s1.1')).toEqual(change.next);
    });

    it('without a field have none when they are read', async () => {
      const { next } = subscriptionAt('s1', began);
      await open().subscriptions.add({ next: { ...next, dueAt: undefined }, entries: [], events: [] });
      expect(Object.keys((await open().subscriptions.get('s1')) ?? {})).not.toContain('dueAt');
      expect(await open().subscriptions.due('2027-01-01T00:00:00.000Z', 10)).toEqual([]);
    });

    it('of time sort by the instant, at the ends of months and when clocks change', async () => {
      const instants = [
        '2026-02-28T23:59:59.999Z',
        '2026-03-01T00:00:00.000Z',
        '2026-03-29T00:59:59.999Z', // clocks in Europe go forward at 01:00
        '2026-03-29T01:00:00.000Z',
        '2026-10-25T00:59:59.999Z', // and back
        '2026-10-25T01:00:00.000Z',
        '2026-12-31T23:59:59.999Z',
        '2027-01-01T00:00:00.000Z',
      ];
      for (const at of instants) await open().subscriptions.add(subscriptionAt(at, at));
      expect(ids(await open().subscriptions.list({}, 100))).toEqual(instants.toReversed());
    });

    it('in a list that grows while it is read are seen once each', async () => {
      const { subscriptions } = open();
      const add = (n: number) =>
        subscriptions.add(subscriptionAt(`s${n}`, `2026-01-01T00:00:${String(n).padStart(2, '0')}.000Z`));
      for (let n = 10; n < 20; n++) await add(n);
      const seen: string[] = [];
      for (let page = await subscriptions.list({}, 3), n = 20; page.length > 0; n++) {
        seen.push(...ids(page));
        await add(n);
        const last = page.at(-1);
        page = last ? await subscriptions.list({}, 3, { at: last.startedAt, id: last.id }) : [];
      }
      expect(seen).toEqual(Array.from({ length: 10 }, (_, n) => `s${19 - n}`));
    });

    it('of money are added up exactly, and refused beyond 2^53', async () => {
      const most = Number.MAX_SAFE_INTEGER;
      const add = (id: string, amount: number) => {
        const { next } = invoiceOf(subscriptionAt(id, began).next);
        const facts = { id, at: next.issuedAt, description: '', currency: 'EUR' };
        const entries = [ledgerEntry(facts, transfer(amount, { from: 'revenue', to: 'receivable' }))];
        return open().invoices.add({ next, entries, events: [] });
      };
      await add('a', most);
      await add('b', 1);
      await add('c', -3);
      const receivable = { account: 'receivable', currency: 'EUR', balance: most - 2 };
      const revenue = { account: 'revenue', currency: 'EUR', balance: 2 - most };
      expect(await open().ledger.balances()).toEqual([receivable, revenue]);
      await add('d', 3);
      await expect(open().ledger.balances()).rejects.toThrow(RangeError);
    });
  });
}
