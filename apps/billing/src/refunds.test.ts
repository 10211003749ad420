import { describe, expect, it } from 'vitest';
import { type Invoice, issue, pendingSince } from './invoices.ts';
import { beginPayment, paymentOf, settlePayment, toDocument } from './payments.ts';
import { planOf } from './plans.ts';
import { beginRefund, settleRefund } from './refunds.ts';
import { start } from './subscriptions.ts';

const now = '2026-03-01T00:00:00.000Z';
const later = '2026-03-02T00:00:00.000Z';
const subscription = start('s1', 'u1', planOf('starter'), '2026-01-31T10:00:00.000Z').next;
const open = () => issue(subscription, [], now).next;
const paying = () => beginPayment(open(), { id: 'p1', method: 'pm_ok', now })?.next ?? open();
const paid = () => settlePayment(paying(), 'p1', { outcome: 'succeeded' }, now)?.next ?? open();
const begin = (invoice: Invoice, id: string, amount: number) =>
  beginRefund(invoice, 'p1', { id, amount, now: later })?.next ?? invoice;
const settle = (invoice: Invoice, id: string, outcome: 'succeeded' | 'refused') =>
  settleRefund(invoice, 'p1', id, { outcome, reason: 'test' }, later);
const exceeds = expect.objectContaining({ code: 'refund_exceeds_payment' });

describe('a refund', () => {
  it('begins as pending, booking and telling nothing', () => {
    const change = beginRefund(paid(), 'p1', { id: 'r1', amount: 100, now: later });
    expect(change).toMatchObject({ entries: [], events: [] });
    expect(change?.next.payments[0]?.refunds).toEqual([
      { id: 'r1', amount: 100, status: 'pending', createdAt: later },
    ]);
    expect(pendingSince(change?.next ?? paid())).toBe(later);
  });

  it('waits since the oldest that is pending, and is not counted as given back yet', () => {
    const first = begin(paid(), 'r1', 100);
    const second =
      beginRefund(first, 'p1', { id: 'r2', amount: 100, now: '2026-03-09T00:00:00.000Z' })?.next ?? paid();
    expect(pendingSince(second)).toBe(later);
    expect(pendingSince(settle(second, 'r1', 'succeeded')?.next ?? paid())).toBe('2026-03-09T00:00:00.000Z');
    expect(toDocument(second, paymentOf(second, 'p1')).refunded).toBe(0);
    const earlier = beginRefund(second, 'p1', { id: 'r3', amount: 100, now })?.next ?? second;
    expect(pendingSince(earlier)).toBe(now);
  });

  it('does nothing when it is repeated', () => {
    const begun = begin(paid(), 'r1', 1_900);
    expect(beginRefund(begun, 'p1', { id: 'r1', amount: 1_900, now: later })).toBeUndefined();
  });

  it('moves cash to refunds, and is told, when it succeeds', () => {
    const change = settle(begin(paid(), 'r1', 100), 'r1', 'succeeded');
    expect(change?.entries).toEqual([
      {
        id: 'refunded:r1',
        at: later,
        description: 'Refund of payment p1',
        currency: 'EUR',
        postings: [
          { account: 'refunds', amount: 100 },
          { account: 'cash', amount: -100 },
        ],
      },
    ]);
    expect(change?.events).toMatchObject([
      {
        id: 'refund.succeeded:r1',
        data: {
          ...{ refundId: 'r1', paymentId: 'p1', invoiceId: 's1.1', subscriptionId: 's1' },
          ...{ amount: 100, planId: 'starter', currency: 'EUR' },
        },
      },
    ]);
    const invoice = change?.next ?? paid();
    expect(toDocument(invoice, paymentOf(invoice, 'p1'))).toMatchObject({ refunded: 100 });
    expect(settle(invoice, 'r1', 'succeeded')).toBeUndefined();
  });

  it('books and tells nothing when the provider refuses it, and may be replaced', () => {
    const change = settle(begin(paid(), 'r1', 1_900), 'r1', 'refused');
    expect(change).toMatchObject({ entries: [], events: [] });
    const invoice = change?.next ?? paid();
    expect(invoice.payments[0]?.refunds[0]?.status).toBe('failed');
    expect(begin(invoice, 'r2', 1_900).payments[0]?.refunds).toHaveLength(2);
  });

  it('may give back all in parts, and no cent more', () => {
    const first = begin(paid(), 'r1', 1_000);
    expect(() => begin(first, 'r2', 901)).toThrow(exceeds);
    const settled = settle(first, 'r1', 'succeeded')?.next ?? first;
    expect(() => begin(settled, 'r2', 901)).toThrow(exceeds);
    expect(begin(settled, 'r2', 900).payments[0]?.refunds).toHaveLength(2);
  });

  it('names the field and what is left', () => {
    const fields = [{ field: 'body.amount', message: 'must not be more than 1900' }];
    expect(() => begin(paid(), 'r1', 1_901)).toThrow(expect.objectContaining({ fields }));
  });

  it('is refused for a payment that has not succeeded', () => {
    expect(() => begin(paying(), 'r1', 1)).toThrow(
      expect.objectContaining({ code: 'conflict', message: 'The payment is pending' }),
    );
  });

  it('leaves the other refunds of its payment as they are when it is settled', () => {
    const both = begin(begin(paid(), 'r1', 100), 'r2', 200);
    expect(settle(both, 'r2', 'succeeded')?.next.payments[0]?.refunds).toMatchObject([
      { id: 'r1', status: 'pending' },
      { id: 'r2', status: 'succeeded' },
    ]);
  });

  it('is not found under another id', () => {
    expect(() => settle(begin(paid(), 'r1', 100), 'r2', 'succeeded')).toThrow(
      expect.objectContaining({ code: 'not_found' }),
    );
  });
});
