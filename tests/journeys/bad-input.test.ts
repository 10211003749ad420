import { randomUUID } from 'node:crypto';
import {
  getInvoice,
  getSubscription,
  listSubscriptions,
  payInvoice,
  subscribe,
} from '@slipway/contracts/billing';
import { getRevenue } from '@slipway/contracts/reporting';
import { getMe, listUsers, signUp } from '@slipway/contracts/users';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ok, send } from '../support/http.ts';
import { newPerson, type Person } from '../support/people.ts';
import { journey } from '../support/suites.ts';
import type { Target } from '../support/target.ts';

type Document = { code: string; status: number; errors?: { field: string }[] };

journey('bad input through the gateway', (open) => {
  let target: Target;
  let person: Person;
  beforeAll(async () => {
    target = await open();
    person = await newPerson(target.base);
  });
  afterAll(() => target.close());

  const raw = async (
    method: string,
    path: string,
    init: RequestInit = {},
  ): Promise<{ status: number; document: Document }> => {
    const answer = await fetch(target.base + path, { method, ...init });
    const text = await answer.text();
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(text).not.toMatch(/\bat .*\.ts:\d+|node_modules/);
    return { status: answer.status, document: JSON.parse(text) as Document };
  };
  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    raw('POST', path, { body, headers: { 'content-type': 'application/json', ...headers } });
  const fieldsOf = ({ errors = [] }: Document) => errors.map(({ field }) => field);

  it('is rejected with the names of the malformed, missing, mistyped or unknown fields', async () => {
    expect(await post('/api/v1/users', '{"email":')).toMatchObject({
      status: 400,
      document: { code: 'invalid_request' },
    });
    const wrong = await post('/api/v1/users', '{"email":"no address","password":12345678901,"admin":true}');
    expect(wrong.status).toBe(400);
    expect(fieldsOf(wrong.document)).toEqual(
      expect.arrayContaining(['body.email', 'body.password', 'body.name', 'body.admin']),
    );
  });

  it('is rejected if the body has the wrong type or is too large, or the route does not exist', async () => {
    const form = await post('/api/v1/users', 'email=a', {
      'content-type': 'application/x-www-form-urlencoded',
    });
    expect(form).toMatchObject({ status: 415, document: { code: 'unsupported_media_type' } });
    const large = await post('/api/v1/users', JSON.stringify({ name: 'x'.repeat(2_000_000) }));
    expect(large).toMatchObject({ status: 413, document: { code: 'payload_too_large' } });
    expect(await raw('GET', '/api/v1/nothing')).toMatchObject({
      status: 404,
      document: { code: 'not_found' },
    });
    expect(await raw('GET', '/internal/v1/events')).toMatchObject({ status: 404 });
  });

  it('is rejected if the cursor is invalid', async () => {
    const answer = await send(
      target.base,
      listSubscriptions,
      { query: { cursor: 'made-up' } },
      { token: person.token },
    );
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_cursor' } });
  });

  it('is rejected if the token is missing, forged, or lacks the role', async () => {
    expect(await send(target.base, getMe, {})).toMatchObject({
      status: 401,
      body: { code: 'unauthenticated' },
    });
    const [head, payload] = person.token.split('.');
    const forged = `${head}.${payload}.${'A'.repeat(86)}`;
    expect(await send(target.base, getMe, {}, { token: forged })).toMatchObject({ status: 401 });
    const { token } = person;
    expect(await send(target.base, listUsers, {}, { token })).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    });
    expect(await send(target.base, getRevenue, {}, { token })).toMatchObject({ status: 403 });
  });

  it("cannot read or change another person's subscriptions and invoices", async () => {
    const other = await newPerson(target.base, 'Grace');
    const { token } = person;
    const mine = await ok(
      target.base,
      subscribe,
      { body: { planId: 'starter' } },
      { token: other.token, key: randomUUID() },
    );
    const theirs = { params: { subscriptionId: mine.id } };
    expect(await send(target.base, getSubscription, theirs, { token })).toMatchObject({ status: 404 });
    const params = { invoiceId: `${mine.id}.1` };
    expect(await send(target.base, getInvoice, { params }, { token })).toMatchObject({ status: 404 });
    const pay = await send(
      target.base,
      payInvoice,
      { params, body: { method: 'pm_ok' } },
      { token, key: randomUUID() },
    );
    expect(pay.status).toBe(404);
  });

  it('is rejected without an idempotency key if the write costs money', async () => {
    const answer = await send(
      target.base,
      subscribe,
      { body: { planId: 'starter' } },
      { token: person.token },
    );
    expect(answer.status).toBe(400);
    expect(fieldsOf(answer.body as unknown as Document)).toEqual(['header.idempotency-key']);
  });

  it('is rejected for a second account with the same address in upper or lower case', async () => {
    const body = { email: person.email.toUpperCase(), password: 'another password', name: 'Ada' };
    expect(await send(target.base, signUp, { body })).toMatchObject({
      status: 409,
      body: { code: 'email_taken' },
    });
  });
});
