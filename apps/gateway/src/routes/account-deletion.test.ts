import type { ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { toDocument } from '@slipway/contract-kit/problem';
import { problem } from '@slipway/contracts/errors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../testing/service.ts';

let gateway: TestGateway;
let ada: { authorization: string };
const password = 'correct horse';
/** The requests to the services, in order. */
let steps: string[];
let deleteAnswer: 'done' | 'down' | 'mismatch';
/** The code with which users rejects the deletion. */
let rejection: 'last_administrator' | 'version_mismatch' | 'internal' | undefined;

afterEach(() => gateway.stop());
beforeEach(async () => {
  gateway = await startGateway();
  ada = await gateway.bearer('ada');
  const keys = gateway.services.users.handle;
  steps = [];
  deleteAnswer = 'done';
  rejection = undefined;
  const { users, billing } = gateway.services;
  billing.handle = ({ url, headers }, response) => {
    steps.push(`billing ${url} ${headers.authorization === ada.authorization}`);
    response.writeHead(204).end();
  };
  users.handle = (request, response) => {
    const { method, url, headers } = request;
    if (!url?.startsWith('/api/v1/users/me')) return keys(request, response);
    steps.push(`users ${method} ${url} ${headers.authorization === ada.authorization}`);
    if (method === 'POST') return respondToCheck(response);
    if (deleteAnswer === 'down') return response.destroy();
    if (deleteAnswer === 'done') return response.writeHead(204).end();
    return response.writeHead(412).end(JSON.stringify(toDocument(problem('version_mismatch'))));
  };
});

function respondToCheck(response: ServerResponse) {
  if (!rejection) return response.writeHead(204).end();
  const refused = problem(rejection);
  return response.writeHead(refused.status).end(JSON.stringify(toDocument(refused)));
}

const remove = (headers: Record<string, string> = {}) =>
  gateway.app.inject({
    method: 'DELETE',
    url: '/api/v1/users/me',
    headers: { ...ada, ...headers },
    payload: { currentPassword: password },
  });

const check = 'users POST /api/v1/users/me/deletion true';
const close = 'billing /api/v1/billing-account/close true';
const deletion = 'users DELETE /api/v1/users/me true';

describe('the deletion of an account', () => {
  it('cancels its subscriptions and then deletes the account, with the token of its owner', async () => {
    const answer = await remove();
    expect(answer.statusCode).toBe(204);
    expect(answer.body).toBe('');
    expect(steps).toEqual([check, close, deletion]);
  });

  it('does not delete the account if its subscriptions could not be cancelled', async () => {
    gateway.services.billing.handle = (_request, response) => {
      response.writeHead(500).end(JSON.stringify(toDocument(problem('internal'))));
    };
    const answer = await remove();
    expect(answer.statusCode).toBe(500);
    expect(steps).toEqual([check]);
  });

  it('answers with the open invoices, and leaves the account, while something is owed', async () => {
    const fields = [{ field: 'invoices.s1.1', message: 'is open: 9900 in minor units of EUR' }];
    gateway.services.billing.handle = (_request, response) => {
      response
        .writeHead(409)
        .end(JSON.stringify(toDocument(problem('invoices_open', undefined, { fields }))));
    };
    const answer = await remove();
    expect(answer.statusCode).toBe(409);
    expect(answer.json()).toMatchObject({ code: 'invoices_open', errors: fields });
    expect(steps).toEqual([check]);
  });

  it('can be completed by a second request if the first one failed in the middle', async () => {
    deleteAnswer = 'down';
    expect((await remove()).statusCode).toBe(502);
    deleteAnswer = 'done';
    // The circuit breaker may be open for a moment.
    await expect.poll(async () => (await remove()).statusCode, { timeout: 10_000 }).toBe(204);
    expect(steps.slice(-3)).toEqual([check, close, deletion]);
  });

  it('sends the password and the address of its owner with both requests to users', async () => {
    const bodies: string[] = [];
    const { users } = gateway.services;
    const before = users.handle;
    users.handle = async (request, response) => {
      if (request.url?.startsWith('/api/v1/users/me')) bodies.push(await text(request));
      return before(request, response);
    };
    expect((await remove({ 'x-forwarded-for': '203.0.113.7' })).statusCode).toBe(204);
    expect(bodies.map((body) => JSON.parse(body))).toEqual(Array(2).fill({ currentPassword: password }));
    const seen = users.seen.filter(({ url }) => url?.startsWith('/api/v1/users/me'));
    expect(seen.map(({ headers }) => headers['x-forwarded-for'])).toEqual(Array(2).fill('127.0.0.1'));
  });

  it('requires a password', async () => {
    const answer = await gateway.app.inject({ method: 'DELETE', url: '/api/v1/users/me', headers: ada });
    expect(answer.statusCode).toBe(400);
    expect(steps).toEqual([]);
  });

  it('requires an access token', async () => {
    expect((await remove({ authorization: '' })).statusCode).toBe(401);
    expect(steps).toEqual([]);
  });

  it.each([
    ['it is meant for another version of the account', 'version_mismatch', 412],
    ['there would be no administrator any more', 'last_administrator', 409],
    ['users cannot say whether the account may go', 'internal', 500],
  ] as const)('ends no subscription when %s', async (_, code, status) => {
    rejection = code;
    const answer = await remove();
    expect(answer.statusCode).toBe(status);
    expect(answer.json()).toMatchObject({ code });
    expect(steps).toEqual([check]);
  });

  it('sends If-Match with both requests to users, because the account may change between them', async () => {
    deleteAnswer = 'mismatch';
    expect((await remove({ 'if-match': '"3-member"' })).json()).toMatchObject({ code: 'version_mismatch' });
    const seen = gateway.services.users.seen.filter(({ url }) => url?.startsWith('/api/v1/users/me'));
    expect(seen.map(({ headers }) => headers['if-match'])).toEqual(['"3-member"', '"3-member"']);
  });
});
