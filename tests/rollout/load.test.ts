/** The instrument itself: figures of a rollout mean something only if every request that was due is in them. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { type Client, createClient } from './client.ts';
import { figuresOf, trouble } from './figures.ts';
import { type Sample, startLoad, type Verdict } from './open-load.ts';

const ok: Verdict = { outcome: 'ok', detail: '200' };

async function loadFor(
  ms: number,
  rate: number,
  send: (turn: number) => Promise<Verdict>,
): Promise<Sample[]> {
  const load = startLoad(rate, (turn) => ({ name: 'test', send: () => send(turn) }));
  await wait(ms);
  return load.stop();
}

describe('a load of constant rate', () => {
  it('sends what is due while nothing is answered', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    let sent = 0;
    const load = startLoad(200, () => ({
      name: 'held',
      send: async () => {
        sent += 1;
        await held;
        return ok;
      },
    }));
    await expect.poll(() => sent, { interval: 10 }).toBeGreaterThanOrEqual(40);
    expect(load.samples).toEqual([]);
    release();
    expect(await load.stop()).toHaveLength(sent);
  });

  it('counts a latency from when the request was due, also if the client itself came late to it', async () => {
    const samples = await loadFor(300, 100, async (turn) => {
      const end = performance.now() + (turn === 5 ? 150 : 0);
      while (performance.now() < end);
      return ok;
    });
    expect(samples.filter(({ latency }) => latency > 40).length).toBeGreaterThan(8);
  });

  it('keeps its rate', async () => {
    const samples = await loadFor(1_000, 100, async () => ok);
    const [first, last] = [samples[0]?.dueAt ?? 0, samples.at(-1)?.dueAt ?? 0];
    expect(samples.length / ((last - first + 10) / 1_000)).toBeCloseTo(100, 6);
    expect(samples.length).toBeGreaterThan(80);
  });
});

describe('a client of a load', () => {
  let server: Server;
  let client: Client;
  afterEach(() => {
    client.close();
    server.closeAllConnections();
    server.close();
  });

  async function serve(answer: RequestListener): Promise<Client> {
    server = createServer(answer).listen(0, '127.0.0.1');
    await once(server, 'listening');
    client = createClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    return client;
  }

  const message = { method: 'GET', path: '/' };

  it('sends a failed request no second time', async () => {
    let seen = 0;
    const { send } = await serve((request) => {
      seen += 1;
      request.socket.destroy();
    });
    expect(await send(message)).toEqual({ outcome: 'failed', detail: 'ECONNRESET' });
    expect(seen).toBe(1);
  });

  it('takes an answer that breaks off for a failure', async () => {
    const { send } = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('half');
      setTimeout(() => response.destroy(), 20);
    });
    expect(await send(message)).toMatchObject({ outcome: 'failed' });
  });

  it('takes only a refusal for overload that says when to come again for a shed request', async () => {
    const refuse = (headers: Record<string, string>, code: string) => async () => {
      const { send } = await serve((_request, response) => {
        response.writeHead(503, headers).end(JSON.stringify({ code }));
      });
      return (await send(message)).outcome;
    };
    expect(await refuse({ 'retry-after': '1' }, 'overloaded')()).toBe('shed');
    server.close();
    expect(await refuse({}, 'overloaded')()).toBe('failed');
    server.close();
    expect(await refuse({ 'retry-after': '1' }, 'unavailable')()).toBe('failed');
  });

  it('keeps its connections', async () => {
    const { send } = await serve((_request, response) => response.end());
    let connections = 0;
    server.on('connection', () => {
      connections += 1;
    });
    for (const _ of [1, 2, 3]) expect(await send(message)).toMatchObject({ outcome: 'ok' });
    expect(connections).toBe(1);
  });

  it('hands the body of a success over, and that of nothing else', async () => {
    let status = 200;
    const { send } = await serve((_request, response) => response.writeHead(status).end('{}'));
    const bodies: string[] = [];
    const onSuccess = (body: string) => bodies.push(body);
    await send({ ...message, onSuccess });
    status = 409;
    expect(await send({ ...message, onSuccess })).toEqual({
      outcome: 'failed',
      detail: '409 no problem document',
    });
    expect(bodies).toEqual(['{}']);
  });
});

describe('the figures of a load', () => {
  const sample = (latency: number, verdict = ok): Sample => ({
    ...verdict,
    name: 'read',
    dueAt: latency,
    latency,
  });
  const hundred = Array.from({ length: 100 }, (_, index) => sample(index + 1));

  it('are nearest ranks and counts of every outcome', () => {
    const shed: Sample = { ...sample(0), outcome: 'shed', detail: '503 overloaded' };
    const failed: Sample = { ...sample(0), outcome: 'failed', detail: 'ECONNRESET' };
    expect(figuresOf(hundred)).toMatchObject({ sent: 100, ok: 100, p50: 50, p99: 99, worst: 100 });
    expect(figuresOf([...hundred, shed, failed])).toMatchObject({ sent: 102, ok: 100, shed: 1, failed: 1 });
  });

  it('name every kind of failure with its time', () => {
    const reset: Verdict = { outcome: 'failed', detail: 'ECONNRESET' };
    expect(trouble([sample(0), sample(1_500, reset), sample(2_500, reset)])).toEqual([
      '2 × read: ECONNRESET, from 1.5 s to 2.5 s',
    ]);
    expect(trouble(hundred)).toEqual([]);
  });
});
