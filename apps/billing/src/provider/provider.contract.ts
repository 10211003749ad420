import { describe, expect, it } from 'vitest';
import type { Charge, PaymentProvider } from './provider.ts';

type Opened = {
  provider: PaymentProvider;
  /** Payment methods that behave as their names say. */
  methods: { accepted: string; declined: string; unreachableOnce: string; silentOnce: string };
  /** Returns the payments less the refunds in a currency, according to the provider's own books. */
  net: (currency: string) => Promise<number>;
};

const inTime = () => AbortSignal.timeout(5_000);

/** The contract suite of payment providers: the behaviour that billing relies on. */
export function describePaymentProvider(name: string, open: () => Promise<Opened>): void {
  const charge = (key: string, facts: Partial<Charge> = {}): Charge => ({
    ...{ idempotencyKey: key, amount: 1_900, currency: 'EUR', method: 'to be named' },
    ...facts,
  });

  describe(`the payment provider: ${name}`, () => {
    it('charges once per key, however often and at once it is asked', async () => {
      const { provider, methods, net } = await open();
      const one = charge('k1', { method: methods.accepted });
      const answers = await Promise.all([1, 2, 3].map(() => provider.charge(one, inTime())));
      expect(answers).toEqual(Array(3).fill({ outcome: 'succeeded' }));
      await provider.charge(charge('k2', { method: methods.accepted, amount: 1 }), inTime());
      expect(await net('EUR')).toBe(1_901);
      expect(await net('USD')).toBe(0);
    });

    it('declines with a reason, the same each time, and takes nothing', async () => {
      const { provider, methods, net } = await open();
      const one = charge('k1', { method: methods.declined });
      const first = await provider.charge(one, inTime());
      expect(first).toEqual({ outcome: 'declined', reason: expect.stringMatching(/\w/) });
      expect(await provider.charge(one, inTime())).toEqual(first);
      expect(await net('EUR')).toBe(0);
    });

    it('refuses a key for another charge', async () => {
      const { provider, methods, net } = await open();
      await provider.charge(charge('k1', { method: methods.accepted }), inTime());
      for (const other of [{ amount: 1 }, { currency: 'USD' }]) {
        const another = charge('k1', { method: methods.accepted, ...other });
        await expect(provider.charge(another, inTime())).rejects.toThrow();
      }
      expect(await net('EUR')).toBe(1_900);
    });

    it('has taken nothing if it could not be reached, and takes it when asked again', async () => {
      const { provider, methods, net } = await open();
      const one = charge('k1', { method: methods.unreachableOnce });
      await expect(provider.charge(one, inTime())).rejects.toThrow();
      expect(await net('EUR')).toBe(0);
      expect(await provider.charge(one, inTime())).toEqual({ outcome: 'succeeded' });
      expect(await net('EUR')).toBe(1_900);
    });

    it('may charge without answering; asked again it tells, and does not charge again', async () => {
      const { provider, methods, net } = await open();
      const one = charge('k1', { method: methods.silentOnce });
      await expect(provider.charge(one, AbortSignal.timeout(20))).rejects.toThrow();
      expect(await net('EUR')).toBe(1_900);
      expect(await provider.charge(one, inTime())).toEqual({ outcome: 'succeeded' });
      expect(await net('EUR')).toBe(1_900);
    });

    it('gives back once per key', async () => {
      const { provider, methods, net } = await open();
      await provider.charge(charge('k1', { method: methods.accepted }), inTime());
      const order = { idempotencyKey: 'r1', chargeKey: 'k1', amount: 1_000, currency: 'EUR' };
      for (const _ of [1, 2])
        expect(await provider.refund(order, inTime())).toEqual({ outcome: 'succeeded' });
      expect(await net('EUR')).toBe(900);
      await expect(provider.refund({ ...order, amount: 1 }, inTime())).rejects.toThrow();
    });

    it('gives back no more than it took, and refuses the same each time', async () => {
      const { provider, methods, net } = await open();
      await provider.charge(charge('k1', { method: methods.accepted }), inTime());
      await provider.charge(charge('k2', { method: methods.declined }), inTime());
      const order = { idempotencyKey: 'r1', chargeKey: 'k1', amount: 1_000, currency: 'EUR' };
      await provider.refund(order, inTime());
      const refused = { outcome: 'refused', reason: expect.stringMatching(/\w/) };
      const tooMuch = { ...order, idempotencyKey: 'r2', amount: 901 };
      for (const _ of [1, 2]) expect(await provider.refund(tooMuch, inTime())).toEqual(refused);
      for (const [idempotencyKey, other] of Object.entries({
        r3: { chargeKey: 'k2' },
        r4: { chargeKey: 'k3' },
        r5: { currency: 'USD' },
      })) {
        expect(await provider.refund({ ...order, idempotencyKey, amount: 1, ...other }, inTime())).toEqual(
          refused,
        );
      }
      expect(await net('EUR')).toBe(900);
    });
  });
}
