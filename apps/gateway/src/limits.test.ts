import { afterEach, describe, expect, it, vi } from 'vitest';
import { type RawRequest, sendRaw, unfinished } from './testing/raw-request.ts';
import { startGateway, type TestGateway } from './testing/service.ts';

// The table of limits in docs/overload.md, as far as one client or one priority meets them at the gateway.

let gateway: TestGateway;
afterEach(() => gateway.stop());

/** Starts imports of one byte, and waits until each is at billing or has a response. */
async function importOneByte(client: string, count: number): Promise<RawRequest[]> {
  const headers = await gateway.bearer(client);
  const text = unfinished('/api/v1/usage/import', headers, '{', 'application/x-ndjson');
  const { seen } = gateway.services.billing;
  const before = seen.length;
  const all = await Promise.all(Array.from({ length: count }, () => sendRaw(gateway.base, text)));
  const settled = () => seen.length - before + all.filter(({ status }) => status() > 0).length;
  await vi.waitUntil(() => settled() === count, { timeout: 10_000 });
  return all;
}

const statusesOf = (all: RawRequest[]) =>
  Object.groupBy(
    all.map(({ status }) => status()),
    String,
  );
const getPlans = async () => (await fetch(`${gateway.base}/api/v1/plans`)).status;

/** Has billing answer the plans only, so that all other requests are held. */
function holdAllButPlans() {
  gateway.services.billing.handle = (request, response) => {
    if (request.url === '/api/v1/plans') response.end('[]');
    else request.on('error', () => undefined).resume();
  };
}

describe('streamed bodies', () => {
  it('of one client hold four connections to a service, and cost others nothing', async () => {
    gateway = await startGateway();
    holdAllButPlans();
    const mallory = await importOneByte('mallory', 66);
    const { 0: held, 429: rejected } = statusesOf(mallory);
    expect([held?.length, rejected?.length]).toEqual([4, 62]);
    expect(await getPlans()).toBe(200);
    const ada = await importOneByte('ada', 1);
    expect(ada[0]?.status()).toBe(0);
    for (const { socket } of [...mallory, ...ada]) socket.destroy();
  });

  it('of one priority leave room for those of another', async () => {
    gateway = await startGateway();
    holdAllButPlans();
    const imports: RawRequest[] = [];
    for (const each of ['ada', 'bob', 'eve', 'joe']) imports.push(...(await importOneByte(each, 4)));
    const { 0: held, 503: rejected } = statusesOf(imports);
    expect([held?.length, rejected?.length]).toEqual([12, 4]);
    const before = gateway.services.billing.seen.length;
    const chunk = `"${'x'.repeat(40_000)}`;
    const usage = await sendRaw(
      gateway.base,
      unfinished('/api/v1/usage', await gateway.bearer('joe'), chunk),
    );
    await vi.waitUntil(() => gateway.services.billing.seen.length > before);
    expect(usage.status()).toBe(0);
    for (const { socket } of [usage, ...imports]) socket.destroy();
  });
});

describe('requests that are held by a service', () => {
  it('of one client use half of the connections to it, and others the rest', async () => {
    gateway = await startGateway();
    holdAllButPlans();
    const { billing } = gateway.services;
    const headers = await gateway.bearer('mallory');
    const controller = new AbortController();
    const ask = () => fetch(`${gateway.base}/api/v1/invoices`, { headers, signal: controller.signal });
    const all = Array.from({ length: 80 }, () => ask().catch(() => undefined));
    await vi.waitUntil(() => billing.seen.length === 32 && gateway.metrics.inFlight.size === 80);
    expect(await getPlans()).toBe(200);
    expect(billing.seen).toHaveLength(33);
    controller.abort();
    await Promise.all(all);
  });

  it('of one priority leave a quarter of the connections to the others', async () => {
    gateway = await startGateway();
    holdAllButPlans();
    const { billing } = gateway.services;
    const controller = new AbortController();
    const people = await Promise.all(Array.from({ length: 8 }, (_, n) => gateway.bearer(`person ${n}`)));
    const ask = (headers: Record<string, string>) =>
      fetch(`${gateway.base}/api/v1/invoices`, { headers, signal: controller.signal }).catch(() => undefined);
    const all = people.flatMap((headers) => Array.from({ length: 10 }, () => ask(headers)));
    await vi.waitUntil(() => billing.seen.length === 48 && gateway.metrics.inFlight.size === 80);
    billing.handle = (_request, response) => response.end('{}');
    const pay = await fetch(`${gateway.base}/api/v1/subscriptions`, {
      method: 'POST',
      headers: { ...people[0], 'content-type': 'application/json', 'idempotency-key': 'k' },
      body: '{}',
    });
    expect(pay.status).toBe(200);
    controller.abort();
    await Promise.all(all);
  });
});
