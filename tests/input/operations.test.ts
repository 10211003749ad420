import { EventEnvelope } from '@slipway/contract-kit/event';
import type { Operation } from '@slipway/contract-kit/operation';
import { UsageRecord } from '@slipway/contracts/billing';
import { eventSchemas } from '@slipway/contracts/events';
import { operations } from '@slipway/contracts/operations';
import { deliverEvents } from '@slipway/platform/events/inbox';
import fc, { type Arbitrary } from 'fast-check';
import type { TSchema } from 'typebox';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { calledBy } from '../../scripts/system.ts';
import { type Service, startServices } from './services.ts';
import { fitting, type Known, nearlyFitting, oddValues } from './values.ts';

/** More runs find more: INPUT_RUNS=2000 npx vitest run --root . --dir tests/input */
const numRuns = Number(process.env.INPUT_RUNS ?? 15);
const timeout = 60_000 + 200 * numRuns;

let services: Awaited<ReturnType<typeof startServices>>;
beforeAll(async () => {
  services = await startServices();
});
afterAll(() => services.stop());
beforeEach(() => services.renew());

type Make = (schema: TSchema, known: Known) => Arbitrary<unknown>;
type Parts = { params?: object; query?: unknown; headers?: object; body?: unknown };

/** Makes the parts of requests to an operation. */
function requests({ schema }: Operation, make: Make, known: Known): Arbitrary<Parts> {
  const made = (part: TSchema | undefined) => (part ? make(part, known) : fc.constant(undefined));
  return fc.record({
    params: made(schema.params),
    query: made(schema.querystring),
    headers: made(schema.headers),
    body: made(schema.body),
  }) as Arbitrary<Parts>;
}

/** Answers that are no fault of a service: its machine is busy, or the payment provider of the test does not answer. */
const excused = new Set(['overloaded', 'payment_unconfirmed']);

type Answer = Awaited<ReturnType<Service['send']>>;

/** A service answers whatever it is sent, and what it rejects it names. */
function expectAnswer({ status, body }: Answer, parts: unknown): void {
  const shown = `${JSON.stringify(parts)?.slice(0, 500)} → ${status} ${JSON.stringify(body)?.slice(0, 500)}`;
  if (status >= 500 && !excused.has(body?.code)) throw new Error(shown);
  if (body?.code === 'invalid_request' && !body.errors?.[0]?.field)
    throw new Error(`no field is named: ${shown}`);
}

const composed = new Set(['importUsage']);
const all = calledBy('gateway').flatMap((service) =>
  operations[service]
    .filter(({ schema }) => !composed.has(schema.operationId))
    .map((operation) => ({ service, operation, id: operation.schema.operationId })),
);

describe.each([
  { kind: 'fits the schema', make: fitting as Make },
  { kind: 'nearly fits the schema', make: nearlyFitting as Make },
])('no operation fails on what $kind', ({ make }) => {
  it.each(all)('$service $id', { timeout }, async ({ service: name, operation }) => {
    const service = services[name];
    await fc.assert(
      fc.asyncProperty(requests(operation, make, service.known), async (parts) => {
        expectAnswer(await service.send(operation, parts), parts);
      }),
      { numRuns },
    );
  });

  it.each(all)('$service $id, through the gateway', { timeout }, async ({ operation }) => {
    await fc.assert(
      fc.asyncProperty(requests(operation, make, services.gateway.known), async (parts) => {
        expectAnswer(await services.gateway.send(operation, parts), parts);
      }),
      { numRuns: Math.ceil(numRuns / 4) },
    );
  });

  it('loses no line of an import', { timeout }, async () => {
    const { billing } = services;
    const lines = fc.array(make(UsageRecord, billing.known), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(lines, async (records) => {
        const text = records.map((record) => `${JSON.stringify(record)}\n`).join('');
        const { status, body } = await billing.importLines(text);
        expect(status).toBe(200);
        expect(body.accepted + body.duplicates + body.rejected).toBe(records.length);
      }),
      { numRuns },
    );
  });

  it('loses no event of a delivery', { timeout }, async () => {
    const { reporting } = services;
    const types = Object.entries(eventSchemas).map(([type, data]) => eventOf(type, make(data, {}), make));
    const events = fc.array(fc.oneof(...types), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(events, async (made) => {
        const parts = { body: { events: made } };
        const { status, body } = await reporting.send(deliverEvents, parts);
        if (make === fitting) expect({ status, body }).toMatchObject({ status: 200 });
        expectAnswer({ status, body }, parts);
        if (status === 200) expect(body.applied + body.duplicates + body.rejected).toBe(made.length);
      }),
      { numRuns },
    );
  });
});

function eventOf(type: string, data: Arbitrary<unknown>, make: Make): Arbitrary<unknown> {
  const { properties } = EventEnvelope;
  return fc.record({
    id: make(properties.id, {}),
    type: fc.constant(type),
    at: make(properties.at, {}),
    source: fc.constant('test'),
    data,
  });
}

describe('no operation fails on an odd header or target', () => {
  const names = [
    'authorization',
    'content-type',
    'accept',
    'idempotency-key',
    'if-match',
    'x-request-timeout-ms',
  ];
  const more = [
    ...['traceparent', 'b3', 'x-correlation-id', 'x-forwarded-for', 'x-request-age-ms'],
    ...['content-encoding', 'cookie'],
  ];
  const texts = oddValues.filter((value): value is string => typeof value === 'string').filter(isHeader);
  const values = fc.oneof(
    fc.constantFrom(...texts, ...oddHeaders()),
    fc.string({ unit: 'grapheme-ascii' }).filter(isHeader),
  );

  it.each(all)('$service $id', { timeout }, async ({ service: name, operation }) => {
    const service = services[name];
    const headers = fc.dictionary(fc.constantFrom(...names, ...more), values, {
      maxKeys: 3,
      noNullPrototype: true,
    });
    const parts = fc.tuple(requests(operation, fitting as Make, service.known), headers);
    await fc.assert(
      fc.asyncProperty(parts, async ([made, odd]) => {
        const request = { ...made, headers: { ...made.headers, ...odd } };
        expectAnswer(await service.send(operation, request), request);
      }),
      { numRuns },
    );
  });
});

/** Node itself rejects any other. */
function isHeader(text: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(text) && text.trim() === text;
}

function oddHeaders(): string[] {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = part({ sub: 'ann', exp: 4e9, roles: {} });
  return [
    ...['Bearer', 'Bearer ', 'bearer a.b.c', 'Basic YTpi', 'Bearer ..', `Bearer ${'a'.repeat(5_000)}`],
    ...[
      null,
      [],
      'x',
      {},
      { alg: 'none' },
      { alg: 'EdDSA' },
      { alg: 'EdDSA', kid: {} },
      { alg: 'HS256', kid: 'test' },
    ].map((head) => `Bearer ${part(head)}.${claims}.AAAA`),
    `Bearer ${part({ alg: 'EdDSA', kid: 'test', crit: ['b64'], b64: false })}.${claims}.AAAA`,
    ...[
      'application/json; charset=utf-16',
      'application/json;',
      'application/json; charset="',
      'text/plain',
      '*/*',
    ],
    ...[
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'application/jsonx',
      'APPLICATION/JSON',
      '/',
    ],
    ...[
      'text/csv;q=2',
      'a/b;q=',
      ';;;',
      ',,,',
      '"',
      '"1-member"',
      'W/"1"',
      '*',
      '-1',
      '0',
      '1e9',
      'gzip',
      'identity',
    ],
    ...[
      '00-00000000000000000000000000000000-0000000000000000-01',
      '00-1-1-1',
      '127.0.0.1:80',
      '[::1]:80',
      '::',
    ],
  ];
}
