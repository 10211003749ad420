import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { drop, newMongoUrl } from '../testing/stores.ts';
import { describePaymentProvider } from './provider.contract.ts';
import { openSandbox, type Sandbox } from './sandbox.ts';

const methods = {
  accepted: 'pm_ok',
  declined: 'pm_decline',
  unreachableOnce: 'pm_fail_once',
  silentOnce: 'pm_late',
};

describePaymentProvider('sandbox', async () => {
  const provider = openSandbox('sqlite::memory:');
  return { provider, methods, net: async (currency) => (await provider.statement(currency)).net };
});

const server = process.env.TEST_MONGODB_URL;

describe.skipIf(!server)('with TEST_MONGODB_URL', () => {
  describePaymentProvider('sandbox with books on MongoDB', async () => {
    const provider = await openOnMongo();
    return { provider, methods, net: async (currency) => (await provider.statement(currency)).net };
  });

  it('gives back no more than it took when replicas are asked at once', async () => {
    const url = newMongoUrl(server ?? '');
    const replicas = [await openOnMongo(url), await openOnMongo(url)];
    const signal = AbortSignal.timeout(10_000);
    const charge = { idempotencyKey: 'k1', amount: 5, currency: 'EUR', method: 'pm_ok' };
    await Promise.all(replicas.map((replica) => replica.charge(charge, signal)));
    const orders = Array.from({ length: 8 }, (_, n) => ({
      idempotencyKey: `r${n}`,
      chargeKey: 'k1',
      amount: 1,
    }));
    const answers = await Promise.all(
      orders.flatMap((order) => replicas.map((each) => each.refund({ ...order, currency: 'EUR' }, signal))),
    );
    expect(answers.filter(({ outcome }) => outcome === 'succeeded')).toHaveLength(2 * 5);
    expect(await replicas[0]?.statement('EUR')).toEqual({ charges: 1, net: 0 });
  });

  it('books a refund once when replicas are asked for it at once', async () => {
    const url = newMongoUrl(server ?? '');
    const replicas = [await openOnMongo(url), await openOnMongo(url)];
    const signal = AbortSignal.timeout(10_000);
    const keys = Array.from({ length: 30 }, (_, n) => `k${n}`);
    const rest = { amount: 5, currency: 'EUR', method: 'pm_ok' };
    const charges = keys.map((idempotencyKey) => ({ idempotencyKey, ...rest }));
    // By both, so that both have their connections open.
    await Promise.all(charges.flatMap((charge) => replicas.map((each) => each.charge(charge, signal))));
    const orders = keys.map((chargeKey) => ({ idempotencyKey: `r-${chargeKey}`, chargeKey, amount: 1 }));
    await Promise.all(
      orders.flatMap((order) => replicas.map((each) => each.refund({ ...order, currency: 'EUR' }, signal))),
    );
    expect(await replicas[0]?.statement('EUR')).toEqual({ charges: 30, net: 30 * (5 - 1) });
  });
});

/** Opens the sandbox, and drops its books with the end of the test. */
async function openOnMongo(url = newMongoUrl(server ?? '')): Promise<Sandbox> {
  const sandbox = openSandbox(url);
  onTestFinished(async () => {
    await sandbox.close();
    await drop(url);
  });
  return sandbox;
}

describe('the sandbox', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sandbox-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const charge = (method: string) => ({ idempotencyKey: 'k1', amount: 5, currency: 'EUR', method });

  it('remembers what it charged after it was opened anew', async () => {
    const url = `sqlite:${join(folder, 'books.db')}`;
    const first = openSandbox(url);
    await first.charge(charge('pm_ok'), AbortSignal.timeout(1_000));
    await first.close();
    const second = openSandbox(url);
    await second.charge(charge('pm_ok'), AbortSignal.timeout(1_000));
    expect(await second.statement('EUR')).toEqual({ charges: 1, net: 5 });
    await second.close();
  });

  it('answers pm_delay late but in time, and at once when asked again', async () => {
    const sandbox = openSandbox('sqlite::memory:', { delayMs: 60 });
    const startedAt = performance.now();
    await sandbox.charge(charge('pm_delay'), AbortSignal.timeout(5_000));
    const took = performance.now() - startedAt;
    expect(took).toBeGreaterThanOrEqual(59);
    await expect(sandbox.charge(charge('pm_delay'), AbortSignal.abort())).resolves.toBeDefined();
  });

  it('declines a method that it does not know', async () => {
    const sandbox = openSandbox('sqlite::memory:');
    expect(await sandbox.charge(charge('gold'), AbortSignal.timeout(1_000))).toEqual({
      outcome: 'declined',
      reason: 'The payment method gold is unknown',
    });
  });
});
