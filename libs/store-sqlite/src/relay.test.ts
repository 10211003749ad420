import { setImmediate as nextIteration } from 'node:timers/promises';
import type { DomainEvent } from '@slipway/contract-kit/event';
import { problem } from '@slipway/contract-kit/problem';
import type { App } from '@slipway/platform/core/app';
import { newEvent } from '@slipway/platform/events/new-event';
import { registerRelay } from '@slipway/platform/events/relay';
import { platformSettings, readSettings } from '@slipway/platform/service/settings';
import { createMetrics } from '@slipway/platform/telemetry/metrics';
import { createTracing } from '@slipway/platform/telemetry/tracing';
import { seriesValue } from '@slipway/platform/testing/metrics';
import Fastify from 'fastify';
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { inTransaction, openSqlite } from './database.ts';
import { outboxMigration, sqliteOutbox } from './outbox.ts';

type Deliver = (events: DomainEvent[], signal: AbortSignal) => Promise<unknown>;
type Timing = { pollInterval?: number; retryRejectedAfter?: number; warnAfter?: number };

const apps: App[] = [];
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

/** Waits until a check passes; a busy machine may need seconds. */
const soon = (check: () => unknown) => vi.waitFor(check, { timeout: 20_000, interval: 10 });

async function someIterations() {
  for (let n = 0; n < 10; n += 1) await nextIteration();
}

/** A relay of a real outbox. The events in it are there before it starts. */
async function startRelay(deliver: Deliver, count: number, timing: Timing = {}) {
  const db = openSqlite('sqlite::memory:', [outboxMigration]);
  const outbox = sqliteOutbox(db);
  const write = (...ids: string[]) =>
    inTransaction(db, () => outbox.add(ids.map((id) => newEvent('test', 'it.happened', {}, id))));
  write(...Array.from({ length: count }, (_, n) => `event-${n}`));

  const app = Fastify() as unknown as App;
  apps.push(app);
  const metrics = createMetrics('test', '1.0.0');
  app.addHook('onClose', async () => db.close());
  const lines: Record<string, unknown>[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const settings = readSettings(platformSettings, {});
  const tracing = await createTracing({ service: 'test', version: '1.0.0', settings, log, metrics });
  registerRelay(app, { outbox, deliver, metrics, tracing, log, ...timing });
  await app.ready();
  const deliveries = (outcome: string) => seriesValue(metrics, 'outbox_deliveries_total', { outcome });
  return { app, db, outbox, write, metrics, lines, deliveries };
}

/** Notes what arrives, a list of ids a delivery; `fail` says with what a delivery fails. */
function reader(fail: (ids: string[], attempt: number) => unknown = () => undefined) {
  const taken: string[][] = [];
  let attempts = 0;
  const deliver = vi.fn(async (events: DomainEvent[]) => {
    attempts += 1;
    const ids = events.map(({ id }) => id);
    const error = fail(ids, attempts);
    if (error) throw error;
    taken.push(ids);
  });
  return { taken, deliver };
}

describe('a relay', () => {
  it('delivers everything in the order of writing, at most 100 events at a time', async () => {
    const { taken, deliver } = reader();
    const { outbox } = await startRelay(deliver, 250);
    await soon(async () => expect(await outbox.backlog()).toEqual({ depth: 0 }));
    expect(taken.map((ids) => ids.length)).toEqual([100, 100, 50]);
    expect(taken.flat()).toEqual(Array.from({ length: 250 }, (_, n) => `event-${n}`));
  });

  it('delivers what its own process writes immediately, without waiting for the next poll', async () => {
    const { taken, deliver } = reader();
    const { write } = await startRelay(deliver, 1, { pollInterval: 3_600_000 });
    await soon(() => expect(taken).toHaveLength(1));
    write('second');
    await soon(() => expect(taken.flat()).toEqual(['event-0', 'second']));
    write('third');
    await soon(() => expect(taken.flat()).toEqual(['event-0', 'second', 'third']));
  });

  it('pauses after a batch that is not full, and after a full one does not', async () => {
    const { promise: started, resolve: start } = Promise.withResolvers<void>();
    const { taken, deliver } = reader();
    const { outbox } = await startRelay(
      async (events) => {
        await started;
        await deliver(events);
      },
      250,
      { pollInterval: 3_600_000 },
    );
    const polls = vi.spyOn(outbox, 'pending');
    start();
    await soon(() => expect(taken.map((ids) => ids.length)).toEqual([100, 100, 50]));
    await someIterations();
    expect(polls).toHaveBeenCalledTimes(2);
  });

  it('pauses while a whole batch waits that its reader rejected', async () => {
    const { deliver } = reader(() => problem('invalid_request'));
    const { outbox, deliveries } = await startRelay(deliver, 100, { pollInterval: 3_600_000 });
    await soon(async () => expect(await deliveries('rejected')).toBe(100));
    const polls = vi.spyOn(outbox, 'pending');
    await someIterations();
    expect(polls.mock.calls.length).toBeLessThan(2);
  });

  it('finds what another replica wrote at the next poll', async () => {
    const { taken, deliver } = reader();
    const { db } = await startRelay(deliver, 0, { pollInterval: 5 });
    const another = sqliteOutbox(db);
    inTransaction(db, () => another.add([newEvent('test', 'it.happened', {}, 'elsewhere')]));
    await soon(() => expect(taken.flat()).toEqual(['elsewhere']));
  });

  it('repeats a failed delivery, in the same order, until it succeeds', async () => {
    const { taken, deliver } = reader((_ids, attempt) => attempt <= 3 && problem('unavailable'));
    const { outbox, deliveries } = await startRelay(deliver, 3);
    await soon(async () => expect(await outbox.backlog()).toEqual({ depth: 0 }));
    expect(taken).toEqual([['event-0', 'event-1', 'event-2']]);
    expect(await deliveries('failed')).toBe(3);
    expect(await deliveries('delivered')).toBe(1);
  });

  it('starts its backoff again after a success', async () => {
    const { taken, deliver } = reader(
      (_ids, attempt) => attempt !== 3 && attempt < 5 && problem('unavailable'),
    );
    const { write, lines } = await startRelay(deliver, 1);
    await soon(() => expect(taken).toHaveLength(1));
    write('second');
    await soon(() => expect(taken).toHaveLength(2));
    expect(lines.map(({ failures }) => failures)).toEqual([1, 2, 1]);
  });

  it('does not warn of a reader that is unreachable for a short time, as it is while it starts', async () => {
    const { taken, deliver } = reader((_ids, attempt) => attempt <= 3 && problem('unavailable'));
    const { lines } = await startRelay(deliver, 1);
    await soon(() => expect(taken).toHaveLength(1));
    expect(lines.map(({ level }) => level)).toEqual([30, 30, 30]);
  });

  it('warns of a reader that stays unreachable, and of any other failure immediately', async () => {
    const { taken, deliver } = reader((_ids, attempt) => attempt <= 3 && problem('unavailable'));
    const { lines } = await startRelay(deliver, 1, { warnAfter: 1 });
    await soon(() => expect(taken).toHaveLength(1));
    expect(lines[0]).toMatchObject({ level: 30 });
    expect(lines.at(-1)).toMatchObject({ level: 40 });

    const failing = reader((_ids, attempt) => attempt === 1 && problem('unauthenticated'));
    const { lines: others } = await startRelay(failing.deliver, 1);
    await soon(() => expect(failing.taken).toHaveLength(1));
    expect(others.map(({ level }) => level)).toEqual([40]);
  });

  it('logs why a delivery failed: a problem without a stack, and any other error with one', async () => {
    const { taken, deliver } = reader((_ids, attempt) => {
      if (attempt === 1) return problem('unavailable', 'The reader restarts');
      return attempt === 2 && new TypeError('a bug');
    });
    const { lines } = await startRelay(deliver, 1, { warnAfter: 0 });
    await soon(() => expect(taken).toHaveLength(1));
    const failed = { level: 40, msg: 'events not delivered', retryInMs: expect.any(Number) };
    expect(lines).toMatchObject([
      { ...failed, code: 'unavailable', reason: 'The reader restarts' },
      { ...failed, err: { type: 'TypeError', message: 'a bug' } },
    ]);
    expect(lines[0]).not.toHaveProperty('err');
  });

  it('continues after an outage of the store', async () => {
    const { taken, deliver } = reader();
    const { outbox, write } = await startRelay(deliver, 0, { pollInterval: 5 });
    const away = vi.spyOn(outbox, 'pending').mockRejectedValue(new Error('away'));
    write('later');
    await soon(() => expect(away.mock.calls.length).toBeGreaterThan(1));
    expect(taken).toEqual([]);
    away.mockRestore();
    await soon(() => expect(taken).toEqual([['later']]));
  });
});

describe('an event that its reader rejects', () => {
  const rejectOne = (ids: string[]) => ids.includes('event-1') && problem('invalid_request');

  it('waits alone: the others are delivered, and those that come later', async () => {
    const { taken, deliver } = reader(rejectOne);
    const { outbox, write, deliveries, lines } = await startRelay(deliver, 3);
    await soon(() => expect(taken.flat()).toEqual(['event-0', 'event-2']));
    expect(lines).toMatchObject([
      {
        ...{ level: 50, msg: 'event rejected by its reader', event: 'event-1', type: 'it.happened' },
        ...{ err: { code: 'invalid_request' }, retryInMs: 60_000 },
      },
    ]);
    write('event-3', 'event-4');
    await soon(() => expect(taken.at(-1)).toEqual(['event-3', 'event-4']));
    expect((await outbox.pending(10)).map(({ id }) => id)).toEqual(['event-1']);
    expect(await deliveries('rejected')).toBe(1);
  });

  it('is retried after a while, and delivered when the reader accepts it', async () => {
    let mended = false;
    const { taken, deliver } = reader((ids) => !mended && rejectOne(ids));
    const { deliveries } = await startRelay(deliver, 2, { pollInterval: 5, retryRejectedAfter: 20 });
    await soon(async () => expect(await deliveries('rejected')).toBeGreaterThan(1));
    expect(taken.flat()).toEqual(['event-0']);
    mended = true;
    await soon(() => expect(taken.flat()).toEqual(['event-0', 'event-1']));
  });

  it('waits no longer when the clock of the system is set back', async () => {
    let mended = false;
    const { taken, deliver } = reader((ids) => !mended && rejectOne(ids));
    const { deliveries } = await startRelay(deliver, 2, { pollInterval: 5, retryRejectedAfter: 20 });
    await soon(async () => expect(await deliveries('rejected')).toBeGreaterThan(0));
    mended = true;
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 });
    await soon(() => expect(taken.flat()).toEqual(['event-0', 'event-1']));
  });

  it('is forgotten when another replica has delivered it', async () => {
    let mended = false;
    const { taken, deliver } = reader((ids) => !mended && rejectOne(ids));
    const { outbox, write, deliveries } = await startRelay(deliver, 2, { pollInterval: 5 });
    await soon(async () => expect(await deliveries('rejected')).toBe(1));
    await outbox.delivered(['event-1']);
    const looks = vi.spyOn(outbox, 'pending');
    await soon(() => expect(looks.mock.calls.length).toBeGreaterThan(1));
    mended = true;
    // Would it still be held, it would wait for a minute.
    write('event-1');
    await soon(() => expect(taken.flat()).toEqual(['event-0', 'event-1']));
  });

  it.each(['invalid_request', 'payload_too_large', 'idempotency_key_reused'] as const)(
    'is what %s says: then it alone waits',
    async (code) => {
      const { taken, deliver } = reader((ids) => ids.includes('event-0') && problem(code));
      const { deliveries } = await startRelay(deliver, 2);
      await soon(() => expect(taken).toEqual([['event-1']]));
      expect(await deliveries('rejected')).toBe(1);
      expect(await deliveries('failed')).toBe(0);
    },
  );

  it.each(['unauthenticated', 'not_found', 'rate_limited', 'conflict'] as const)(
    'is not what %s says: then all wait, in order',
    async (code) => {
      const { taken, deliver } = reader((_ids, attempt) => attempt === 1 && problem(code));
      const { deliveries } = await startRelay(deliver, 3);
      await soon(() => expect(taken).toEqual([['event-0', 'event-1', 'event-2']]));
      expect(await deliveries('rejected')).toBe(0);
    },
  );
});

describe('a stop', () => {
  it('ends the pause between two polls', async () => {
    const { app } = await startRelay(async () => undefined, 0, { pollInterval: 3_600_000 });
    const startedAt = performance.now();
    await app.close();
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  it('does not wait for a delivery that hangs, and leaves its events in the outbox', async () => {
    const { outbox, app } = await startRelay(() => new Promise(() => undefined), 2);
    const pending = vi.spyOn(outbox, 'delivered');
    const startedAt = performance.now();
    await app.close();
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    expect(pending).not.toHaveBeenCalled();
  });

  it('aborts a delivery in progress, and starts no other', async () => {
    const reasons: unknown[] = [];
    const deliver = vi.fn<Deliver>(
      (_events, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            reasons.push(signal.reason);
            reject(signal.reason);
          });
        }),
    );
    const { app } = await startRelay(deliver, 2);
    await soon(() => expect(deliver).toHaveBeenCalled());
    await app.close();
    expect(reasons).toHaveLength(1);
    expect(deliver).toHaveBeenCalledOnce();
  });

  it('tolerates a delivery that ends after the store was closed', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { app } = await startRelay(() => promise, 1);
    await app.close();
    resolve();
    // An unhandled rejection would fail this file.
    await new Promise(setImmediate);
  });
});

it('reports how many events wait, and for how long the oldest does', async () => {
  const { metrics, outbox } = await startRelay(async () => Promise.reject(new Error('down')), 3);
  await soon(async () => expect(await seriesValue(metrics, 'outbox_events_waiting')).toBe(3));
  const [oldest] = await outbox.pending(1);
  const age = (Date.now() - Date.parse(oldest?.at ?? '')) / 1000;
  const told = await seriesValue(metrics, 'outbox_oldest_event_age_seconds');
  expect(told).toBeGreaterThan(0);
  expect(Math.abs(Number(told) - age)).toBeLessThan(1);
});

it('reports that no event waits as soon as it finds none, without counting', async () => {
  const { promise: delivered, resolve: deliver } = Promise.withResolvers<void>();
  const { metrics, outbox } = await startRelay(() => delivered, 3, { pollInterval: 5 });
  const waiting = () => seriesValue(metrics, 'outbox_events_waiting');
  await soon(async () => expect(await waiting()).toBe(3));
  const counts = vi.spyOn(outbox, 'backlog');
  deliver();
  await soon(async () => expect(await waiting()).toBe(0));
  expect(counts).not.toHaveBeenCalled();
});
