import { describe, expect, it } from 'vitest';
import { issue } from './invoices.ts';
import { beginPayment } from './payments.ts';
import { planOf } from './plans.ts';
import { start } from './subscriptions.ts';
import { writeOff } from './write-offs.ts';

const now = '2026-03-01T00:00:00.000Z';
const later = '2026-06-01T00:00:00.000Z';
const open = () => issue(start('s1', 'u1', planOf('starter'), '2026-01-31T10:00:00.000Z').next, [], now).next;
const write = { id: 'w1', reason: 'Insolvent', now: later };

describe('a write-off', () => {
  it('keeps its reason in the invoice, moves what was owed to the losses, and reports no event', () => {
    expect(writeOff(open(), write)).toEqual({
      next: {
        ...open(),
        status: 'written_off',
        writeOff: { id: 'w1', reason: 'Insolvent', at: later },
        version: 2,
      },
      entries: [
        {
          id: 'written-off:s1.1',
          at: later,
          description: 'Write-off of invoice s1.1: Insolvent',
          currency: 'EUR',
          postings: [
            { account: 'write-offs', amount: 1_900 },
            { account: 'receivable', amount: -1_900 },
          ],
        },
      ],
      events: [],
    });
  });

  it('does nothing when it is repeated, and is rejected after another one', () => {
    const { next } = writeOff(open(), write) ?? { next: open() };
    expect(writeOff(next, write)).toBeUndefined();
    expect(() => writeOff(next, { ...write, id: 'w2' })).toThrow(
      expect.objectContaining({ code: 'conflict', message: 'The invoice is written_off' }),
    );
  });

  it('is rejected while a payment is under way', () => {
    const paying = beginPayment(open(), { id: 'p1', method: 'pm_ok', now })?.next ?? open();
    expect(() => writeOff(paying, write)).toThrow(
      expect.objectContaining({ code: 'conflict', message: 'The invoice is paying' }),
    );
  });
});
