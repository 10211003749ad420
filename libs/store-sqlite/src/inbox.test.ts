import type { DomainEvent } from '@slipway/contract-kit/event';
import { Type } from '@slipway/contract-kit/type';
import { type Inbox, inboxOutcomes, RejectedEvent, registerInbox } from '@slipway/platform/events/inbox';
import { newEvent } from '@slipway/platform/events/new-event';
import { registerAccess } from '@slipway/platform/http/access';
import { buildService, defineService, type Service } from '@slipway/platform/service/service';
import { platformSettings, readSettings } from '@slipway/platform/service/settings';
import { countBy } from '@slipway/platform/telemetry/declare';
import { inject } from '@slipway/platform/testing/inject';
import { seriesValue } from '@slipway/platform/testing/metrics';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openSqlite } from './database.ts';
import { inboxMigration, sqliteInbox } from './inbox.ts';

const serviceToken = 'token-of-the-services';
const schemas = { 'item.sold': Type.Object({ item: Type.String(), price: Type.Integer({ minimum: 0 }) }) };

const services: Service[] = [];
afterEach(async () => {
  for (const { app } of services.splice(0)) await app.close();
});

/** A reader that notes what is sold, unless `reject` or `fail` names the item. */
async function openReader() {
  const db = openSqlite('sqlite::memory:', [inboxMigration]);
  const known = { sold: [] as string[], reject: '', fail: '' };
  const events = sqliteInbox(db, ({ data: { item } }) => {
    if (item === known.reject) throw new RejectedEvent(`${item} is not sold here`);
    if (item === known.fail) throw new Error('the counter is broken');
    known.sold.push(String(item));
  });
  const store = { events, ping: async () => {}, close: async () => db.close() };
  let inbox: Inbox | undefined;
  const definition = defineService({
    name: 'reader',
    version: '1.0.0',
    settings: platformSettings,
    openStore: () => store,
    register(app, { log, metrics }) {
      registerAccess(app, { verify: async () => ({ subject: 'nobody', roles: [] }), serviceToken });
      const named = { name: 'reader_events_total', help: 'Events delivered' };
      const counts = countBy(metrics, named, 'outcome', inboxOutcomes);
      inbox = registerInbox(app, { schemas, store: events, log, counts });
    },
  });
  const lines: Record<string, unknown>[] = [];
  const service = await buildService(definition, readSettings(platformSettings, { LOG_LEVEL: 'error' }), {
    logTo: { write: (line) => lines.push(JSON.parse(line)) },
  });
  services.push(service);
  if (!inbox) throw new Error('the inbox was not registered');
  return { ...service, inbox, events, known, lines };
}

const sold = (item: string, price = 1) => newEvent('shop', 'item.sold', { item, price }, `sold-${item}`);

function deliver(service: Pick<Service, 'app'>, events: unknown, token = serviceToken) {
  const headers = { authorization: `Bearer ${token}` };
  return inject(service, { method: 'POST', url: '/internal/v1/events', headers, payload: { events } });
}

describe('a delivery', () => {
  it('is applied in its order, once per event id', async () => {
    const reader = await openReader();
    const first = await deliver(reader, [sold('tea'), sold('milk'), sold('tea')]);
    expect(first.json()).toEqual({ applied: 2, duplicates: 1, rejected: 0 });
    const second = await deliver(reader, [sold('milk'), sold('sugar')]);
    expect(second.json()).toEqual({ applied: 1, duplicates: 1, rejected: 0 });
    expect(reader.known.sold).toEqual(['tea', 'milk', 'sugar']);
    expect(await seriesValue(reader.metrics, 'reader_events_total', { outcome: 'applied' })).toBe(3);
  });

  it('is for services only', async () => {
    const reader = await openReader();
    expect((await deliver(reader, [sold('tea')], 'token-of-a-person')).statusCode).toBe(401);
    expect(reader.known.sold).toEqual([]);
  });

  it.each([
    ['nothing', undefined],
    ['no event', []],
    ['too many', Array(501).fill(sold('tea'))],
    ['something else', ['tea']],
  ])('of %s is malformed', async (_what, events) => {
    const reader = await openReader();
    expect((await deliver(reader, events)).statusCode).toBe(400);
  });

  it('of 500 events is taken', async () => {
    const reader = await openReader();
    const answer = await deliver(
      reader,
      Array.from({ length: 500 }, (_, n) => sold(`${n}`)),
    );
    expect(answer.json()).toEqual({ applied: 500, duplicates: 0, rejected: 0 });
  });

  it('lets other requests run between two events', async () => {
    const reader = await openReader();
    const delivery = deliver(
      reader,
      Array.from({ length: 500 }, (_, n) => sold(`${n}`)),
    );
    await vi.waitFor(() => expect(reader.known.sold.length).toBeGreaterThan(0), { interval: 0 });
    expect(reader.known.sold.length).toBeLessThan(500);
    expect((await delivery).json()).toMatchObject({ applied: 500 });
  });

  it('fails if the reader itself fails, and its repetition applies the rest', async () => {
    const reader = await openReader();
    reader.known.fail = 'milk';
    const first = await deliver(reader, [sold('tea'), sold('milk'), sold('sugar')]);
    expect(first.statusCode).toBe(500);
    expect(await reader.events.deadLetters(10)).toEqual([]);
    reader.known.fail = '';
    const second = await deliver(reader, [sold('tea'), sold('milk'), sold('sugar')]);
    expect(second.json()).toEqual({ applied: 2, duplicates: 1, rejected: 0 });
  });
});

describe('an event that can never be applied', () => {
  const unknownType = { ...sold('tea'), id: 'unknown', type: 'item.eaten' };
  const wrongData = { ...sold('tea'), id: 'wrong', data: { item: 'tea', price: -1 } };
  const noData = { id: 'none', type: 'item.sold', at: '2026-01-01T00:00:00.000Z', source: 'shop' };
  const wrongTwice = { ...sold('tea'), id: 'twice', data: { item: 7, price: -1 } };
  const wrongTime = { ...sold('tea'), id: 'time', at: 'yesterday' };

  it.each([
    ['unknown type item.eaten', unknownType],
    ['data.price must be >= 0', wrongData],
    ['data.item must be string; data.price must be >= 0', wrongTwice],
    ["event must have required property 'data'", noData],
    ['event.at must match format "date-time"', wrongTime],
    ['whisky is not sold here', sold('whisky')],
  ])('is set aside because of: %s', async (reason, event) => {
    const reader = await openReader();
    reader.known.reject = 'whisky';
    const answer = await deliver(reader, [sold('milk'), event, sold('sugar')]);
    expect(answer.json()).toEqual({ applied: 2, duplicates: 0, rejected: 1 });
    const [letter, ...more] = await reader.events.deadLetters(10);
    expect(more).toEqual([]);
    expect(letter).toMatchObject({ reason, event });
    expect(Date.parse(letter?.at ?? '')).toBeCloseTo(Date.now(), -5);
  });

  it('is stored once however often it is delivered, also without an id', async () => {
    const reader = await openReader();
    for (let n = 0; n < 2; n += 1) await deliver(reader, [wrongData, { data: { no: 'id' } }]);
    const letters = await reader.events.deadLetters(10);
    expect(letters.map(({ event }) => event.id).sort()).toEqual([
      expect.stringMatching(/^sha256-[0-9a-f]{64}$/),
      'wrong',
    ]);
  });

  it.each([
    ['no text at all', { id: 7, type: 7, source: 7 }],
    ['an empty text', { id: '', type: '', source: '' }],
    [
      'a text of more than 200 characters',
      { id: 'x'.repeat(201), type: 'x'.repeat(201), source: 'x'.repeat(201) },
    ],
  ])('is listed without what is %s, under an id of its content', async (_what, malformed) => {
    const reader = await openReader();
    await deliver(reader, [{ ...sold('tea'), ...malformed }]);
    expect((await reader.events.deadLetters(10)).map(({ event }) => event)).toMatchObject([
      { id: expect.stringMatching(/^sha256-/), type: '', source: '', data: { item: 'tea' } },
    ]);
  });

  it('is listed with what is a text of up to 200 characters', async () => {
    const reader = await openReader();
    const named = { id: 'i'.repeat(200), type: 't'.repeat(200), source: 's'.repeat(200) };
    await deliver(reader, [{ ...sold('tea'), ...named }]);
    expect(await reader.events.findDeadLetter(named.id)).toMatchObject(named);
  });

  it('is counted as rejected, and logged with its id, its type and the reason', async () => {
    const reader = await openReader();
    await deliver(reader, [unknownType]);
    expect(await seriesValue(reader.metrics, 'reader_events_total', { outcome: 'rejected' })).toBe(1);
    expect(reader.lines.find(({ msg }) => msg === 'event rejected')).toMatchObject({
      ...{ level: 'error', event: 'unknown', type: 'item.eaten', reason: 'unknown type item.eaten' },
    });
  });

  it('is accepted with fields that this reader does not know yet', async () => {
    const reader = await openReader();
    const { data } = sold('tea');
    const newer = { ...sold('tea'), priority: 1, data: { ...data, currency: 'EUR' } };
    expect((await deliver(reader, [newer])).json()).toMatchObject({ applied: 1 });
  });
});

describe('redelivery', () => {
  it('applies an event that can be applied now, and removes it from the list', async () => {
    const reader = await openReader();
    reader.known.reject = 'tea';
    await deliver(reader, [sold('tea')]);
    expect(await reader.inbox.redeliver('sold-tea')).toEqual({
      outcome: 'rejected',
      reason: 'tea is not sold here',
    });
    expect(await reader.events.deadLetters(10)).toHaveLength(1);
    reader.known.reject = '';
    expect(await reader.inbox.redeliver('sold-tea')).toEqual({ outcome: 'applied' });
    expect(await reader.events.deadLetters(10)).toEqual([]);
    expect(reader.known.sold).toEqual(['tea']);
  });

  it('recognizes an event that was applied in between', async () => {
    const reader = await openReader();
    reader.known.reject = 'tea';
    await deliver(reader, [sold('tea')]);
    reader.known.reject = '';
    await deliver(reader, [sold('tea')]);
    expect(await reader.inbox.redeliver('sold-tea')).toEqual({ outcome: 'duplicate' });
    expect(await reader.events.deadLetters(10)).toEqual([]);
    expect(reader.known.sold).toEqual(['tea']);
  });

  it('finds nothing for an unknown id', async () => {
    const reader = await openReader();
    expect(await reader.inbox.redeliver('nobody')).toBeUndefined();
  });

  it('leaves the event on the list when the reader fails', async () => {
    const reader = await openReader();
    reader.known.reject = 'tea';
    const event: DomainEvent = sold('tea');
    await deliver(reader, [event]);
    reader.known.reject = '';
    reader.known.fail = 'tea';
    await expect(reader.inbox.redeliver('sold-tea')).rejects.toThrow('the counter is broken');
    expect(await reader.events.findDeadLetter('sold-tea')).toEqual(event);
  });
});
