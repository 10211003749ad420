import type { ServerResponse } from 'node:http';
import { toDocument } from '@slipway/contract-kit/problem';
import { problem } from '@slipway/contracts/errors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../testing/service.ts';

let gateway: TestGateway;
let ada: { authorization: string };
/** What the services were asked, in order. */
let steps: string[];
let deleteAnswer: 'done' | 'down' | 'mismatch';
/** Why users would refuse the deletion. */
let refusal: 'last_administrator' | 'version_mismatch' | 'internal' | undefined;

afterEach(() => gateway.stop());
beforeEach(async () => {
  gateway = await startGateway();
  ada = await gateway.bearer('ada');
  const keys = gateway.services.users.handle;
  steps = [];
  deleteAnswer = 'done';
  refusal = undefined;
  const { users, billing } = gateway.services;
  billing.handle = ({ url, headers }, response) => {
    steps.push(`billing ${url} ${headers.authorization === ada.authorization}`);
    response.end('{"cancelled":1}');
  };
  users.handle = (request, response) => {
    const { method, url, headers } = request;
    if (!url?.startsWith('/api/v1/users/me')) return keys(request, response);
    steps.push(`users ${method} ${url} ${headers.authorization === ada.authorization}`);
    if (method === 'GET') return answerCheck(response);
    if (deleteAnswer === 'down') return response.destroy();
    if (deleteAnswer === 'done') return response.writeHead(204).end();
    return response.writeHead(412).end(JSON.stringify(toDocument(problem('version_mismatch'))));
  };
});

function answerCheck(response: ServerResponse) {
  if (!refusal) return response.writeHead(204).end();
  const refused = problem(refusal);
  return response.writeHead(refused.status).end(JSON.stringify(toDocument(refused)));
}

const remove = (headers: Record<string, string> = {}) =>
  gateway.app.inject({ method: 'DELETE', url: '/api/v1/users/me', headers: { ...ada, ...headers } });

const check = 'users GET /api/v1/users/me/deletion true';
const cancel = 'billing /api/v1/subscriptions/cancel-all true';
const deletion = 'users DELETE /api/v1/users/me true';

describe('the deletion of an account', () => {
  it('ends its subscriptions, then the account, in the name of its owner', async () => {
    const answer = await remove();
    expect(answer.statusCode).toBe(204);
    expect(answer.body).toBe('');
    expect(steps).toEqual([check, cancel, deletion]);
  });

  it('leaves the account when its subscriptions could not be ended', async () => {
    gateway.services.billing.handle = (_request, response) => {
      response.writeHead(500).end(JSON.stringify(toDocument(problem('internal'))));
    };
    const answer = await remove();
    expect(answer.statusCode).toBe(500);
    expect(steps).toEqual([check]);
  });

  it('is finished by asking again when it broke off in the middle', async () => {
    deleteAnswer = 'down';
    expect((await remove()).statusCode).toBe(502);
    deleteAnswer = 'done';
    // The circuit breaker may keep the service to itself for a moment.
    await expect.poll(async () => (await remove()).statusCode, { timeout: 10_000 }).toBe(204);
    expect(steps.slice(-3)).toEqual([check, cancel, deletion]);
  });

  it('needs an access token', async () => {
    expect((await remove({ authorization: '' })).statusCode).toBe(401);
    expect(steps).toEqual([]);
  });

  it.each([
    ['it is meant for another version of the account', 'version_mismatch', 412],
    ['there would be no administrator any more', 'last_administrator', 409],
    ['users cannot say whether the account may go', 'internal', 500],
  ] as const)('ends no subscription when %s', async (_, code, status) => {
    refusal = code;
    const answer = await remove();
    expect(answer.statusCode).toBe(status);
    expect(answer.json()).toMatchObject({ code });
    expect(steps).toEqual([check]);
  });

  it('names the version it is meant for in each step at users, for the account may change meanwhile', async () => {
    deleteAnswer = 'mismatch';
    expect((await remove({ 'if-match': '"3-member"' })).json()).toMatchObject({ code: 'version_mismatch' });
    const seen = gateway.services.users.seen.filter(({ url }) => url?.startsWith('/api/v1/users/me'));
    expect(seen.map(({ headers }) => headers['if-match'])).toEqual(['"3-member"', '"3-member"']);
  });
});
