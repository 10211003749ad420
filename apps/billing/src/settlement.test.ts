import { createMetrics } from '@slipway/platform/telemetry/metrics';
import { seriesValue } from '@slipway/platform/testing/metrics';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createCounts } from './counts.ts';
import { issue } from './invoices.ts';
import { isBalanced } from './ledger.ts';
import { planOf } from './plans.ts';
import type { PaymentProvider } from './provider/provider.ts';
import { openSandbox } from './provider/sandbox.ts';
import { pay, refund, type SettlementParts, settlePending } from './settlement.ts';
import { start } from './subscriptions.ts';
import { atEachCrashPoint, Crash } from './testing/crash.ts';
import { openForTest, stores } from './testing/stores.ts';

const now = '2026-03-01T00:00:00.000Z';
const clock = { now: () => now, tolerance: 300_000 };

const newSandbox = () => openSandbox('sqlite::memory:', { delayMs: 5 });

describe.each(stores)('on $name', ({ newSettings }) => {
  async function newWorld(provider: PaymentProvider = newSandbox(), timeoutMs = 5_000) {
    const store = await openForTest(newSettings());
    const subscription = start('s1', 'u1', planOf('starter'), '2026-01-31T10:00:00.000Z').next;
    await store.invoices.add(issue(subscription, [], now));
    const metrics = createMetrics('billing', 'test');
    const counts = createCounts(metrics);
    const { invoices } = store;
    const parts: SettlementParts = { invoices, provider, clock, counts, timeoutMs: () => timeoutMs };
    return {
      store,
      parts,
      counted: (name: string, labels: Record<string, string>) => seriesValue(metrics, name, labels),
      pay: (id: string, method = 'pm_ok', given = parts) => pay(given, 's1.1', { id, method }),
      refund: (id: string, amount: number, given = parts) =>
        refund(given, { invoiceId: 's1.1', paymentId: 'p1' }, { id, amount }),
      settle: async (given = parts) => {
        const failures: unknown[] = [];
        await settlePending(given, now, (error) => failures.push(error));
        return failures;
      },
      invoice: () => store.invoices.get('s1.1'),
      balance: async (account: string) =>
        (await store.ledger.balances()).find((each) => each.account === account)?.balance ?? 0,
      told: async () => (await store.outbox.pending(100)).map(({ id }) => id),
    };
  }

  const problemOf = (code: string) => expect.objectContaining({ code });

  describe('paying an invoice', () => {
    it.each(['pm_ok', 'pm_delay'])('succeeds with %s', async (method) => {
      const world = await newWorld();
      expect((await world.pay('p1', method)).payment).toMatchObject({ id: 'p1', status: 'succeeded' });
      expect(await world.invoice()).toMatchObject({ status: 'paid' });
      expect(await world.balance('cash')).toBe(1_900);
      expect(await world.balance('receivable')).toBe(0);
    });

    it('is declined the same again, and open for another attempt', async () => {
      const world = await newWorld();
      for (const _ of [1, 2]) {
        await expect(world.pay('p1', 'pm_decline')).rejects.toMatchObject({
          code: 'payment_declined',
          message: 'The card has insufficient funds',
        });
      }
      expect(await world.balance('cash')).toBe(0);
      expect(await world.counted('billing_payments_total', { outcome: 'declined' })).toBe(1);
      expect(await world.counted('billing_paid_amount_total', { currency: 'EUR' })).toBe(0);
      expect((await world.pay('p2')).invoice).toMatchObject({
        status: 'paid',
        payments: [{ status: 'declined' }, {}],
      });
    });

    it.each(['pm_fail_once', 'pm_late'])(
      'stays pending with %s, until the same request is repeated',
      async (method) => {
        const sandbox = newSandbox();
        const world = await newWorld(sandbox, 20);
        await expect(world.pay('p1', method)).rejects.toMatchObject({
          code: 'payment_unconfirmed',
          retryAfter: 2,
        });
        expect(await world.invoice()).toMatchObject({ status: 'paying', payments: [{ status: 'pending' }] });
        expect((await world.pay('p1', method)).payment.status).toBe('succeeded');
        expect(await sandbox.statement('EUR')).toEqual({ charges: 1, net: 1_900 });
      },
    );

    it.each(['pm_fail_once', 'pm_late'])('with %s is settled without any repetition', async (method) => {
      const world = await newWorld(newSandbox(), 20);
      await expect(world.pay('p1', method)).rejects.toEqual(problemOf('payment_unconfirmed'));
      expect(await world.settle()).toEqual([]);
      expect(await world.invoice()).toMatchObject({ status: 'paid' });
      expect(await world.told()).toEqual(['invoice.issued:s1.1', 'payment.succeeded:p1']);
      expect(await world.counted('billing_payments_total', { outcome: 'succeeded' })).toBe(1);
      expect(await world.counted('billing_paid_amount_total', { currency: 'EUR' })).toBe(1_900);
    });

    it('gives up in time on a provider that hears no signal', async () => {
      const deaf = { ...newSandbox(), charge: () => new Promise<never>(() => undefined) };
      const world = await newWorld(deaf, 20);
      await expect(world.pay('p1')).rejects.toEqual(problemOf('payment_unconfirmed'));
      expect(await world.settle()).toEqual([problemOf('payment_unconfirmed')]);
    });

    it('at once by two payments lets one win', async () => {
      const sandbox = newSandbox();
      const world = await newWorld(sandbox);
      const results = await Promise.allSettled([world.pay('p1', 'pm_delay'), world.pay('p2', 'pm_delay')]);
      expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
        reason: problemOf('invoice_not_payable'),
      });
      expect(await sandbox.statement('EUR')).toEqual({ charges: 1, net: 1_900 });
    });

    it('by the same request several times at once charges once', async () => {
      const sandbox = newSandbox();
      const world = await newWorld(sandbox);
      const results = await Promise.all([1, 2, 3].map(() => world.pay('p1', 'pm_delay')));
      expect(results.map(({ payment }) => payment.status)).toEqual(Array(3).fill('succeeded'));
      expect(await sandbox.statement('EUR')).toEqual({ charges: 1, net: 1_900 });
      expect(await world.counted('billing_payments_total', { outcome: 'succeeded' })).toBe(1);
      expect(await world.counted('billing_paid_amount_total', { currency: 'EUR' })).toBe(1_900);
      expect(await world.told()).toEqual(['invoice.issued:s1.1', 'payment.succeeded:p1']);
    });
  });

  describe('giving back', () => {
    it('moves the money once, however often the request comes', async () => {
      const world = await newWorld();
      await world.pay('p1');
      for (const _ of [1, 2])
        expect(await world.refund('r1', 500)).toMatchObject({ status: 'succeeded', amount: 500 });
      expect(await world.balance('cash')).toBe(1_400);
      expect(await world.balance('refunds')).toBe(500);
      expect(await world.counted('billing_refunds_total', { outcome: 'succeeded' })).toBe(1);
      expect(await world.counted('billing_refunded_amount_total', { currency: 'EUR' })).toBe(500);
    });

    it('by several requests at once never exceeds the payment', async () => {
      const sandbox = newSandbox();
      const world = await newWorld(sandbox);
      await world.pay('p1');
      const results = await Promise.allSettled(['r1', 'r2', 'r3', 'r4'].map((id) => world.refund(id, 900)));
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
      expect(await sandbox.statement('EUR')).toEqual({ charges: 1, net: 100 });
      expect(await world.balance('cash')).toBe(100);
    });

    it('by more requests at once than a rule has attempts books each of them', async () => {
      const world = await newWorld();
      await world.pay('p1');
      const ids = Array.from({ length: 24 }, (_, n) => `r${n}`);
      const refunds = await Promise.all(ids.map((id) => world.refund(id, 10)));
      expect(refunds.map(({ status }) => status)).toEqual(Array(24).fill('succeeded'));
      expect(await world.balance('refunds')).toBe(240);
    });

    it('is not decided when others change the invoice all the time after the provider has paid out', async () => {
      const sandbox = newSandbox();
      const world = await newWorld(sandbox);
      await world.pay('p1');
      const { invoices } = world.parts;
      const replace = vi
        .fn(invoices.replace)
        .mockResolvedValue(false)
        .mockImplementationOnce(invoices.replace);
      const losing = { ...world.parts, invoices: { ...invoices, replace } };
      const chance = vi.spyOn(Math, 'random').mockReturnValue(0);
      onTestFinished(() => chance.mockRestore());
      const answer = { status: 503, retryAfter: 1 };
      await expect(world.refund('r1', 500, losing)).rejects.toMatchObject(answer);
      expect(await world.refund('r1', 500)).toMatchObject({ status: 'succeeded' });
      expect(await sandbox.statement('EUR')).toEqual({ charges: 1, net: 1_400 });
      expect(await world.balance('refunds')).toBe(500);
    });

    it('is refused the same again when the provider refuses', async () => {
      const sandbox = newSandbox();
      const refusing = { ...sandbox, refund: async () => ({ outcome: 'refused' as const, reason: 'test' }) };
      const world = await newWorld(refusing);
      await world.pay('p1');
      for (const _ of [1, 2])
        await expect(world.refund('r1', 1)).rejects.toEqual(problemOf('refund_refused'));
      expect(await world.balance('refunds')).toBe(0);
      expect(await world.counted('billing_refunds_total', { outcome: 'refused' })).toBe(1);
      expect(await world.counted('billing_refunded_amount_total', { currency: 'EUR' })).toBe(0);
    });

    it('is settled later when the provider was away', async () => {
      const sandbox = newSandbox();
      const world = await newWorld(sandbox);
      await world.pay('p1');
      const away = {
        ...world.parts,
        provider: { ...sandbox, refund: () => Promise.reject(new Error('away')) },
      };
      await expect(world.refund('r1', 500, away)).rejects.toEqual(problemOf('payment_unconfirmed'));
      expect(await world.settle(away)).toEqual([problemOf('payment_unconfirmed')]);
      expect(await world.settle()).toEqual([]);
      expect(await world.balance('refunds')).toBe(500);
    });
  });

  describe('settling what is pending', () => {
    /** So many invoices, whose payments the provider has not answered. */
    async function newPending(count: number) {
      const sandbox = newSandbox();
      const world = await newWorld(sandbox);
      const charge = () => Promise.reject(new Error('away'));
      const away = { ...world.parts, provider: { ...sandbox, charge } };
      for (let n = 1; n <= count; n += 1) {
        const subscription = start(`s${n}`, 'u1', planOf('starter'), '2026-01-31T10:00:00.000Z').next;
        if (n > 1) await world.store.invoices.add(issue(subscription, [], now));
        const paid = pay(away, `s${n}.1`, { id: `p${n}`, method: 'pm_ok' });
        await expect(paid).rejects.toEqual(problemOf('payment_unconfirmed'));
      }
      return { world, sandbox, away };
    }

    it('tries each invoice once, on however many pages they are', async () => {
      const { world, sandbox, away } = await newPending(51);
      expect(await world.settle(away)).toEqual(Array(51).fill(problemOf('payment_unconfirmed')));
      expect(await world.settle()).toEqual([]);
      expect(await sandbox.statement('EUR')).toEqual({ charges: 51, net: 51 * 1_900 });
    });

    it('waits for no provider when the service stops, and begins with no other invoice', async () => {
      const { world, sandbox } = await newPending(2);
      const stopping = new AbortController();
      const cause = new Error('The service stops');
      const charge = vi.fn(() => {
        stopping.abort(cause);
        return new Promise<never>(() => undefined);
      });
      const parts = { ...world.parts, provider: { ...sandbox, charge } };
      const failures: unknown[] = [];
      await settlePending(parts, now, (error, id) => failures.push([id, error]), stopping.signal);
      const message = 'The result will be known later; repeat the request to get it';
      const failure = { code: 'payment_unconfirmed', message, retryAfter: 2, cause };
      expect(failures).toEqual([['s1.1', expect.objectContaining(failure)]]);
      expect(charge).toHaveBeenCalledOnce();
    });
  });

  describe('a crash', () => {
    it.each(['the same request', 'the recovery'])(
      'anywhere in a payment and its refund is repaired by %s',
      async (by) => {
        const points = await atEachCrashPoint(async ({ wrap }, name) => {
          const sandbox = newSandbox();
          const world = await newWorld(sandbox);
          const dying = { ...world.parts, invoices: wrap(world.store.invoices), provider: wrap(sandbox) };
          const both = async (parts?: SettlementParts) => {
            await world.pay('p1', 'pm_ok', parts);
            await world.refund('r1', 400, parts);
          };
          const error = await both(dying).catch((reason: unknown) => reason);
          if (error instanceof Error) expect([error, error.cause], name).toContainEqual(expect.any(Crash));
          if (by === 'the recovery') expect(await world.settle(), name).toEqual([]);
          await both();

          expect(await world.invoice(), name).toMatchObject({
            status: 'paid',
            payments: [{ status: 'succeeded', refunds: [{ status: 'succeeded' }] }],
          });
          expect(await sandbox.statement('EUR'), name).toEqual({ charges: 1, net: 1_500 });
          expect(await world.balance('cash'), name).toBe(1_500);
          expect(isBalanced(await world.store.ledger.balances()), name).toBe(true);
          expect(await world.told(), name).toEqual([
            'invoice.issued:s1.1',
            'payment.succeeded:p1',
            'refund.succeeded:r1',
          ]);
        });
        expect(points).toBeGreaterThan(15);
      },
    );
  });
});
