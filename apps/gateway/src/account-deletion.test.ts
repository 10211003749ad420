import { problem } from '@slipway/contracts/errors';
import { toDocument } from '@slipway/platform/http/errors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from './test-gateway.ts';

let gateway: TestGateway;
let ada: { authorization: string };
/** What the services were asked, in order. */
let steps: string[];
let deleteAnswer: 'done' | 'down' | 'mismatch';

afterEach(() => gateway.stop());
beforeEach(async () => {
  gateway = await startGateway();
  ada = await gateway.bearer('ada');
  const keys = gateway.services.users.handle;
  steps = [];
  deleteAnswer = 'done';
  const { users, billing } = gateway.services;
  billing.handle = ({ url, headers }, response) => {
    steps.push(`billing ${url} ${headers.authorization === ada.authorization}`);
    response.end('{"cancelled":1}');
  };
  users.handle = (request, response) => {
    const { method, url, headers } = request;
    if (url !== '/api/v1/users/me') return keys(request, response);
    steps.push(`users ${method} ${headers.authorization === ada.authorization}`);
    if (method === 'GET') return response.writeHead(200, { etag: '"3-member"' }).end('{}');
    if (deleteAnswer === 'down') return response.destroy();
    if (deleteAnswer === 'done') return response.writeHead(204).end();
    return response.writeHead(412).end(JSON.stringify(toDocument(problem('version_mismatch'))));
  };
});

const remove = (headers: Record<string, string> = {}) =>
  gateway.app.inject({ method: 'DELETE', url: '/api/v1/users/me', headers: { ...ada, ...headers } });

const cancel = 'billing /api/v1/subscriptions/cancel-all true';

describe('the deletion of an account', () => {
  it('ends its subscriptions, then the account, in the name of its owner', async () => {
    const answer = await remove();
    expect(answer.statusCode).toBe(204);
    expect(answer.body).toBe('');
    expect(steps).toEqual([cancel, 'users DELETE true']);
  });

  it('leaves the account when its subscriptions could not be ended', async () => {
    gateway.services.billing.handle = (_request, response) => {
      response.writeHead(500).end(JSON.stringify(toDocument(problem('internal'))));
    };
    const answer = await remove();
    expect(answer.statusCode).toBe(500);
    expect(steps).toEqual([]);
  });

  it('is finished by asking again when it broke off in the middle', async () => {
    deleteAnswer = 'down';
    expect((await remove()).statusCode).toBe(502);
    deleteAnswer = 'done';
    // The circuit breaker may keep the service to itself for a moment.
    await expect.poll(async () => (await remove()).statusCode, { timeout: 10_000 }).toBe(204);
    expect(steps.at(-2)).toBe(cancel);
  });

  it('needs an access token', async () => {
    expect((await remove({ authorization: '' })).statusCode).toBe(401);
    expect(steps).toEqual([]);
  });

  it('ends no subscription when it is meant for another version of the account', async () => {
    const answer = await remove({ 'if-match': '"2-member"' });
    expect(answer.statusCode).toBe(412);
    expect(answer.json()).toMatchObject({ code: 'version_mismatch' });
    expect(steps).toEqual(['users GET true']);
  });

  it('goes on when it is meant for the present version', async () => {
    expect((await remove({ 'if-match': '"3-member"' })).statusCode).toBe(204);
    expect(steps).toEqual(['users GET true', cancel, 'users DELETE true']);
  });

  it('hands the version on, for the account may change meanwhile', async () => {
    deleteAnswer = 'mismatch';
    expect((await remove({ 'if-match': '"3-member"' })).json()).toMatchObject({ code: 'version_mismatch' });
    const deletion = gateway.services.users.seen.findLast(({ method }) => method === 'DELETE');
    expect(deletion?.headers['if-match']).toBe('"3-member"');
  });
});
