import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setImmediate as nextIteration, setTimeout as wait } from 'node:timers/promises';
import type { Priority } from '@slipway/contract-kit/operation';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { totalsByPriority } from '../telemetry/totals.ts';
import { Admission, admitRequests } from './admission.ts';
import { CpuShare } from './cpu-share.ts';
import { createRejection, type Reason } from './rejection.ts';

/** The clock of these tests: only computing takes time, so that a busy machine changes no decision. */
let clock = 0;
const realTime = performance.now.bind(performance);
beforeEach(() => {
  clock = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => clock);
});

let close = async () => {};
afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  await close();
});

/** Blocks the event loop; milliseconds. */
function block(ms: number) {
  const until = realTime() + ms;
  while (realTime() < until);
  clock += ms;
}

/** A server behind admission, warm by default. `GET /5` computes for 5 ms; headers set priority and client. */
async function serve({ coldFor = 0, cpuTime }: { coldFor?: number; cpuTime?: () => number } = {}) {
  const served: string[] = [];
  const rejected = new Map<string, number>();
  const requests = { ended: () => undefined };
  const server = createServer(async (request, response) => {
    served.push(String(request.headers['x-client'] ?? request.url));
    for await (const _chunk of request);
    block(Number(request.url?.slice(1)));
    response.end('done');
  });
  const admission = new Admission({
    reject: createRejection(
      { rejected: countIn(rejected), requests, totals: { priorities: totalsByPriority() } } as never,
      () => 'interactive',
    ),
    flowOf: ({ headers }) => ({
      priority: (headers['x-priority'] ?? 'interactive') as Priority,
      client: String(headers['x-client']),
    }),
    coldFor,
    cpuShare: new CpuShare(cpuTime),
  });
  admitRequests(server, admission);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  close = async () => {
    server.closeAllConnections();
    server.close();
  };
  return { server, admission, port, served, rejected };
}

const countIn = (counts: Map<string, number>) => ({
  labels: (reason: Reason) => ({ inc: () => counts.set(reason, (counts.get(reason) ?? 0) + 1) }),
});

type Headers = Record<string, string>;

/** Opens a connection that has sent `text`; `all` resolves with what came back when it ends. */
function open(port: number, text: string) {
  const socket = connect(port, '127.0.0.1', () => socket.write(text)).setEncoding('latin1');
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  socket.on('error', () => undefined);
  const all = new Promise<string>((resolve) => socket.once('close', () => resolve(answer)));
  return { socket, all, answer: () => answer };
}

const head = (path: string, headers: Headers = {}, method = 'GET') =>
  [
    `${method} ${path} HTTP/1.1`,
    'host: x',
    ...Object.entries(headers).map((each) => each.join(': ')),
    '',
    '',
  ].join('\r\n');

/** Opens connections. Node accepts one in an event-loop iteration. */
async function connectAll(port: number, count: number) {
  const clients = Array.from({ length: count }, () => open(port, ''));
  await Promise.all(clients.map(({ socket }) => once(socket, 'connect')));
  for (let iteration = 0; iteration < 2 * count; iteration += 1) await nextIteration();
  return clients;
}

/** Sends requests all at once, one on each connection, and resolves with their statuses. */
async function askAll(clients: ReturnType<typeof open>[], path: string, headers: Headers = {}) {
  for (const { socket } of clients) socket.write(head(path, { connection: 'close', ...headers }));
  const answers = await Promise.all(clients.map(({ all }) => all));
  return answers.map((answer) => Number(answer.slice(9, 12)));
}

const flood = async (port: number, count: number, path: string, headers: Headers = {}) =>
  askAll(await connectAll(port, count), path, headers);

const count = (statuses: number[], status: number) => statuses.filter((each) => each === status).length;

/** Resolves when more requests wait than are admitted. */
async function underLoad(admission: Admission) {
  await vi.waitUntil(() => admission.load.waitMs > 200, { interval: 1, timeout: 5_000 });
}

describe('the admission queue', () => {
  /** Admits requests in one event-loop iteration; returns the function that returns how many of a client join the queue. */
  function fill() {
    const admission = new Admission({
      reject: () => undefined,
      flowOf: ({ headers }) => ({ priority: headers.p as Priority, client: String(headers.c) }),
    });
    return (count: number, client: (n: number) => string, priority: Priority = 'interactive') => {
      const before = admission.load.waiting;
      for (let n = 0; n < count; n += 1) {
        // The socket is gone, so that none of them is served.
        const request = { headers: { p: priority, c: client(n) }, socket: { destroyed: true } };
        admission.admit(request as never, {} as never, () => undefined);
      }
      return admission.load.waiting - before;
    };
  }

  it('has room for others when one client fills its part', () => {
    const admit = fill();
    expect(admit(2_500, () => 'noisy')).toBe(1_000);
    expect(admit(100, () => 'quiet')).toBe(100);
  });

  it('has room for others when one client sends requests of two priorities', () => {
    const admit = fill();
    admit(1_000, () => 'noisy', 'batch');
    expect(admit(600, () => 'noisy', 'interactive')).toBe(1);
    expect(admit(100, () => 'quiet', 'interactive')).toBe(100);
  });

  it('has room for other priorities when one fills its part', () => {
    const admit = fill();
    admit(1_000, () => 'heavy', 'batch');
    expect(admit(2_500, (n) => `client ${n % 4}`, 'batch')).toBe(251);
    expect(admit(100, () => 'ada', 'interactive')).toBe(100);
  });
});

describe('admission', () => {
  it('serves a whole burst, even the first one', async () => {
    const { port } = await serve();
    expect(count(await flood(port, 150, '/1'), 200)).toBe(150);
  });

  it('rejects on arrival what it could not serve in time, with a problem that says when to retry', async () => {
    const { port, admission, served, rejected } = await serve();
    const first = flood(port, 120, '/5');
    await underLoad(admission);
    const before = served.length;
    const sentAt = performance.now();
    const answer = await open(port, head('/5', { connection: 'close' })).all;
    expect(performance.now() - sentAt).toBeLessThan(150);
    expect(served.length - before).toBeLessThan(30);
    expect(answer).toMatch(/^HTTP\/1.1 503 .*retry-after: 1\r\n.*"code":"overloaded"/s);
    expect(answer).toContain('content-type: application/problem+json');
    // Requests that came before the service time was known were admitted, and are served.
    expect(count(await first, 200)).toBe(120);
    expect([...rejected]).toEqual([['queue_full', 1]]);
  });

  it('has clients wait up to three seconds while its code is cold, instead of rejecting them', async () => {
    const { port, admission } = await serve({ coldFor: 650 });
    const tooMuch = flood(port, 700, '/5');
    await vi.waitUntil(() => admission.load.waitMs > 3_000, { interval: 1 });
    expect(await flood(port, 1, '/5')).toEqual([503]);
    await vi.waitUntil(() => admission.load.waitMs > 0 && admission.load.waitMs < 2_700, { interval: 1 });
    expect(await flood(port, 5, '/5')).toEqual(Array(5).fill(200));
    await tooMuch;
    await flood(port, 100, '/0');
    const warm = flood(port, 100, '/5');
    await underLoad(admission);
    expect(await flood(port, 5, '/5')).toEqual(Array(5).fill(503));
    await warm;
  });

  it('has clients wait as long while other processes take its CPU', async () => {
    let share = 0.3;
    const { port, admission } = await serve({ cpuTime: () => clock * share });
    const tooMuch = flood(port, 700, '/5');
    await vi.waitUntil(() => admission.load.waitMs > 0 && admission.load.waitMs < 2_700, { interval: 1 });
    expect(await flood(port, 5, '/5')).toEqual(Array(5).fill(200));
    await tooMuch;
    share = 1;
    const enough = flood(port, 150, '/5');
    await vi.waitUntil(() => admission.load.waitMs > 250 && admission.load.waitMs < 500, { interval: 1 });
    expect(await flood(port, 5, '/5')).toEqual(Array(5).fill(503));
    await enough;
  });

  it('rejects few requests for each that it serves, when clients send again as soon as they are rejected', async () => {
    const { port, served, rejected, admission } = await serve();
    const first = flood(port, 120, '/5');
    await underLoad(admission);
    const clients = await connectAll(port, 300);
    const again = head('/5');
    for (const { socket } of clients) socket.on('data', () => socket.write(again)).write(again);
    await vi.waitUntil(() => (rejected.get('queue_full') ?? 0) > 300, { interval: 1 });
    const before = { served: served.length, rejected: rejected.get('queue_full') ?? 0 };
    await vi.waitUntil(() => served.length >= before.served + 50, { interval: 1 });
    expect((rejected.get('queue_full') ?? 0) - before.rejected).toBeLessThan(50 * 20);
    await first;
  });

  it('admits no request that would wait long, however many come', async () => {
    const { port, rejected } = await serve();
    const waits: number[] = [];
    const clients = Array.from({ length: 100 }, async () => {
      while (clock < 2_000) {
        const sentAt = performance.now();
        const [status] = await flood(port, 1, '/5');
        if (status !== 200) await wait(20);
        else if (sentAt > 700) waits.push(performance.now() - sentAt);
      }
    });
    await Promise.all(clients);
    expect(rejected.get('queue_full')).toBeGreaterThan(0);
    const median = waits.sort((a, b) => a - b)[waits.length >> 1];
    expect(median).toBeGreaterThan(20);
    expect(median).toBeLessThan(400);
    expect(waits.at(-1)).toBeLessThan(1_000);
  });

  it('does no work for clients that have disconnected', async () => {
    const { port, admission, served } = await serve();
    const staying = flood(port, 40, '/5', { 'x-client': 'staying' });
    const leaving = Array.from({ length: 60 }, () => open(port, head('/5', { 'x-client': 'leaving' })));
    await vi.waitUntil(() => admission.load.waiting > 40, { interval: 1 });
    for (const { socket } of leaving) socket.destroy();
    expect(count(await staying, 200)).toBe(40);
    await vi.waitUntil(() => admission.load.waiting === 0);
    expect(served.filter((client) => client === 'leaving').length).toBeLessThan(30);
  });

  it('does no work for a request whose deadline has passed', async () => {
    const { port, admission, served, rejected } = await serve();
    expect(await flood(port, 1, '/1', { 'x-request-timeout-ms': '0' })).toEqual([408]);
    const others = flood(port, 40, '/5');
    await vi.waitUntil(() => admission.load.waiting > 30, { interval: 1 });
    const hurried = await flood(port, 5, '/4', { 'x-request-timeout-ms': '20' });
    await others;
    expect(served).not.toContain('/4');
    expect(count(hurried, 200)).toBe(0);
    expect(rejected.get('deadline')).toBeGreaterThanOrEqual(1);
  });

  it('lets what costs money go before what a person waits for, and that before what can wait', async () => {
    const { port, admission, served } = await serve();
    const first = flood(port, 20, '/5');
    await vi.waitUntil(() => admission.load.waiting >= 15, { interval: 1 });
    const ranks = ['batch', 'interactive', 'money'];
    const all = await Promise.all(
      ranks.map((rank) => flood(port, 4, '/5', { 'x-priority': rank, 'x-client': rank })),
    );
    await first;
    expect(all.flat()).toEqual(Array(12).fill(200));
    const order = served.filter((client) => ranks.includes(client));
    expect(order.slice(0, 4)).toEqual(Array(4).fill('money'));
    expect(order.lastIndexOf('interactive')).toBeLessThan(order.lastIndexOf('batch'));
  });

  it('rejects what can wait before what costs money', async () => {
    const { port, admission } = await serve();
    const first = flood(port, 100, '/5');
    await vi.waitUntil(() => admission.load.waitMs > 230 && admission.load.waitMs < 350, { interval: 1 });
    const [batch, money] = await Promise.all(
      ['batch', 'money'].map((rank) => flood(port, 3, '/5', { 'x-priority': rank })),
    );
    await first;
    expect(batch).toEqual([503, 503, 503]);
    expect(money).toEqual([200, 200, 200]);
  });

  it('serves a quiet client while a noisy one has more waiting than can be served', async () => {
    const { port, admission } = await serve();
    const noise = flood(port, 150, '/5', { 'x-client': 'noisy' });
    await underLoad(admission);
    const sentAt = performance.now();
    const quiet = await flood(port, 3, '/5', { 'x-client': 'quiet' });
    expect(quiet).toEqual([200, 200, 200]);
    expect(performance.now() - sentAt).toBeLessThan(200);
    expect(count(await flood(port, 3, '/5', { 'x-client': 'noisy' }), 503)).toBe(3);
    await noise;
  });

  it('serves again soon after its event loop was blocked for a second', async () => {
    const { port } = await serve();
    const before = flood(port, 10, '/2');
    const during = flood(port, 100, '/2');
    await wait(5);
    block(1_000);
    await Promise.all([before, during]);
    const after = await flood(port, 50, '/2');
    expect(count(after, 200)).toBe(50);
  });

  it('serves what comes after its process was paused in the middle of work', async () => {
    const { port, admission, rejected } = await serve();
    const [first, then] = [await connectAll(port, 30), await connectAll(port, 60)];
    const before = askAll(first, '/1');
    await vi.waitUntil(() => admission.load.waitMs > 0, { interval: 1 });
    clock += 500;
    await nextIteration();
    await nextIteration();
    expect(count(await askAll(then, '/1'), 200)).toBe(60);
    expect(count(await before, 200)).toBe(30);
    expect([...rejected]).toEqual([]);
  });

  it('is not affected when the wall clock jumps', async () => {
    const { port } = await serve();
    const first = flood(port, 40, '/2', { 'x-request-timeout-ms': '5000' });
    vi.useFakeTimers({ toFake: ['Date'] });
    await wait(20);
    vi.setSystemTime(Date.now() + 86_400_000);
    await wait(20);
    vi.setSystemTime(Date.now() - 2 * 86_400_000);
    expect(count(await first, 200)).toBe(40);
    expect(count(await flood(port, 40, '/2'), 200)).toBe(40);
  });

  it('does not wait for a body that comes slowly', async () => {
    const { port } = await serve();
    const slow = Array.from({ length: 50 }, () =>
      open(port, `${head('/1', { 'content-length': '10', connection: 'close' }, 'POST')}half`),
    );
    await wait(50);
    const sentAt = performance.now();
    expect(count(await flood(port, 20, '/1'), 200)).toBe(20);
    expect(performance.now() - sentAt).toBeLessThan(300);
    for (const { socket } of slow) socket.write('-body.');
    for (const { all } of slow) expect(await all).toMatch(/^HTTP\/1.1 200 /);
  });

  it('answers requests of one connection in their order, even when some are rejected', async () => {
    const { port, admission } = await serve();
    const others = flood(port, 120, '/5');
    await underLoad(admission);
    const paths = ['/5', '/0', '/1'];
    const { answer, socket } = open(port, paths.map((path) => head(path)).join(''));
    await vi.waitUntil(() => answer().split('HTTP/1.1 ').length === 4);
    expect(answer().match(/HTTP\/1.1 503/g)).toHaveLength(3);
    await others;
    socket.write(head('/1'));
    await vi.waitUntil(() => answer().endsWith('done'));
  });

  it('asks for the body of an upload only when it admits it', async () => {
    const { port, admission } = await serve();
    const upload = head('/1', { expect: '100-continue', 'content-length': '4' }, 'POST');
    const taken = open(port, upload);
    await vi.waitUntil(() => taken.answer().startsWith('HTTP/1.1 100 Continue'));
    taken.socket.write('body');
    await vi.waitUntil(() => taken.answer().includes('HTTP/1.1 200 OK'));
    const others = flood(port, 120, '/5');
    await underLoad(admission);
    const rejected = open(port, upload);
    await vi.waitUntil(() => rejected.answer().includes('overloaded'));
    expect(rejected.answer()).toMatch(/^HTTP\/1.1 503 /);
    await others;
  });

  it('ends a full queue when the server closes', async () => {
    const { server, port, admission } = await serve();
    const waiting = flood(port, 100, '/2');
    await vi.waitUntil(() => admission.load.waiting > 50, { interval: 1 });
    const closed = once(server, 'close');
    server.close();
    await closed;
    expect(count(await waiting, 200)).toBe(100);
  });
});
