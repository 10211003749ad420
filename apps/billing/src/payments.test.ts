import { describe, expect, it } from 'vitest';
import { type Invoice, issue, pendingSince } from './invoices.ts';
import { beginPayment, paymentOf, settlePayment, toDocument } from './payments.ts';
import { planOf } from './plans.ts';
import { start } from './subscriptions.ts';

const now = '2026-03-01T00:00:00.000Z';
const later = '2026-03-01T00:00:05.000Z';
const subscription = start('s1', 'u1', planOf('starter'), '2026-01-31T10:00:00.000Z').next;
const open = () => issue(subscription, [], now).next;
const begin = (invoice: Invoice, id: string) => beginPayment(invoice, { id, method: 'pm_ok', now });
const paying = () => begin(open(), 'p1')?.next ?? open();
const declined = () => settlePayment(paying(), 'p1', { outcome: 'declined', reason: 'No cover' }, later);
const paid = () => settlePayment(paying(), 'p1', { outcome: 'succeeded' }, later);

describe('beginning to pay', () => {
  it('holds the invoice for the payment, for its whole total', () => {
    expect(paying()).toMatchObject({
      status: 'paying',
      version: 2,
      payments: [{ id: 'p1', amount: 1_900, method: 'pm_ok', status: 'pending' }],
    });
    expect(pendingSince(paying())).toBe(now);
  });

  it('books and tells nothing yet', () => {
    expect(begin(open(), 'p1')).toMatchObject({ entries: [], events: [] });
  });

  it('does nothing when it is repeated, whatever has become of the payment', () => {
    for (const invoice of [paying(), declined()?.next, paid()?.next]) {
      expect(invoice && begin(invoice, 'p1')).toBeUndefined();
    }
  });

  it('is refused while another payment is under way, and after one succeeded', () => {
    for (const invoice of [paying(), paid()?.next ?? open()]) {
      const message = `The invoice is ${invoice.status}`;
      expect(() => begin(invoice, 'p2')).toThrow(
        expect.objectContaining({ code: 'invoice_not_payable', message }),
      );
    }
  });

  it('may be tried again after any number of declines; the last hundred are stored', () => {
    let invoice = declined()?.next ?? open();
    for (let attempt = 2; attempt <= 150; attempt++) {
      const begun = begin(invoice, `p${attempt}`)?.next ?? open();
      invoice =
        settlePayment(begun, `p${attempt}`, { outcome: 'declined', reason: '' }, later)?.next ?? open();
    }
    expect(invoice).toMatchObject({ status: 'open' });
    const last = begin(invoice, 'p151')?.next ?? open();
    expect(last.payments).toHaveLength(100);
    expect(last.payments[0]?.id).toBe('p52');
    const result = settlePayment(last, 'p151', { outcome: 'succeeded' }, later);
    expect(result?.next).toMatchObject({ status: 'paid' });
  });
});

describe('a payment that succeeds', () => {
  it('pays the invoice, moves what was owed to cash, and is told', () => {
    expect(paid()?.next).toMatchObject({ status: 'paid', version: 3, payments: [{ status: 'succeeded' }] });
    expect(paid()?.entries).toEqual([
      {
        id: 'paid:p1',
        at: later,
        description: 'Payment of invoice s1.1',
        currency: 'EUR',
        postings: [
          { account: 'cash', amount: 1_900 },
          { account: 'receivable', amount: -1_900 },
        ],
      },
    ]);
    expect(paid()?.events).toMatchObject([
      {
        id: 'payment.succeeded:p1',
        data: {
          ...{ paymentId: 'p1', invoiceId: 's1.1', subscriptionId: 's1' },
          ...{ amount: 1_900, planId: 'starter', currency: 'EUR' },
        },
      },
    ]);
    expect(pendingSince(paid()?.next ?? paying())).toBeUndefined();
  });

  it('is settled once', () => {
    expect(settlePayment(paid()?.next ?? paying(), 'p1', { outcome: 'succeeded' }, later)).toBeUndefined();
  });
});

describe('a payment that is declined', () => {
  it('opens the invoice again, stays on record with its reason, and books nothing', () => {
    expect(declined()?.next).toMatchObject({
      status: 'open',
      payments: [{ id: 'p1', amount: 1_900, status: 'declined', reason: 'No cover' }],
    });
    expect(declined()?.entries).toEqual([]);
    expect(declined()?.events).toMatchObject([
      { id: 'payment.declined:p1', type: 'payment.declined', data: paid()?.events[0]?.data },
    ]);
  });

  it('stays declined, whatever is said later', () => {
    expect(
      settlePayment(declined()?.next ?? paying(), 'p1', { outcome: 'succeeded' }, later),
    ).toBeUndefined();
  });
});

describe('a payment', () => {
  it('is shown without the means of payment', () => {
    expect(toDocument(paying(), paymentOf(paying(), 'p1'))).toEqual({
      id: 'p1',
      invoiceId: 's1.1',
      userId: 'u1',
      amount: 1_900,
      currency: 'EUR',
      status: 'pending',
      createdAt: now,
      refunded: 0,
      refunds: [],
    });
  });

  it('is not found under another id', () => {
    expect(() => paymentOf(paying(), 'p2')).toThrow(expect.objectContaining({ code: 'not_found' }));
  });
});
