import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startUsers } from './testing/service.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
const me = '/api/v1/users/me';

describe('users, given bad input', () => {
  let users: Awaited<ReturnType<typeof startUsers>>;
  let token: string;
  let before: string;
  beforeAll(async () => {
    users = await startUsers();
    token = await users.adminToken();
    before = await everything();
  });
  afterAll(() => users.app.close());

  /** The stored state, to check that nothing was written. */
  async function everything(): Promise<string> {
    const { store } = users;
    const [accounts, events] = [await store.accounts.list(100), await store.outbox.pending(100)];
    return JSON.stringify({
      accounts,
      events,
      list: await store.administrators.get('administrators'),
      ring: await store.keyRing.get('key ring'),
    });
  }

  async function refuses(method: Method, url: string, payload: string | undefined, headers = {}) {
    const answer = await users.app.inject({
      method,
      url,
      ...(payload !== undefined && { payload }),
      headers: {
        authorization: `Bearer ${token}`,
        ...(payload !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
    });
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.body).not.toMatch(/node_modules|\.ts:\d/);
    expect(await everything()).toBe(before);
    const { code, errors = [] } = answer.json();
    const fields = errors.map(({ field }: { field: string }) => field);
    return { status: answer.statusCode, code, fields };
  }

  const good = { email: 'ada@example.com', password: 'correct horse', name: 'Ada' };
  const path = '/api/v1/users';

  it.each<[string, Method, string, unknown, string]>([
    ['no e-mail address', 'POST', path, { ...good, email: 'not an address' }, 'body.email'],
    ['an e-mail address with a break', 'POST', path, { ...good, email: 'a@b\u0000c' }, 'body.email'],
    ['a long e-mail address', 'POST', path, { ...good, email: `a@${'b'.repeat(300)}` }, 'body.email'],
    ['a number for a name', 'POST', path, { ...good, name: 7 }, 'body.name'],
    ['an empty name', 'POST', path, { ...good, name: '' }, 'body.name'],
    ['a name with a break', 'POST', path, { ...good, name: 'Ada\nLovelace' }, 'body.name'],
    ['a short password', 'POST', path, { ...good, password: 'too short' }, 'body.password'],
    ['a long password', 'POST', path, { ...good, password: 'x'.repeat(201) }, 'body.password'],
    ['no password', 'POST', path, { email: good.email, name: good.name }, 'body.password'],
    ['a role nobody gave', 'POST', path, { ...good, roles: ['admin'] }, 'body.roles'],
    ['null for a body', 'POST', path, null, 'body'],
    ['an array for a body', 'POST', path, [good], 'body'],
    ['a login without password', 'POST', '/api/v1/sessions', { email: good.email }, 'body.password'],
    [
      'an operator for a password',
      'POST',
      '/api/v1/sessions',
      { ...good, password: { $ne: '' } },
      'body.password',
    ],
    ['a refresh without token', 'POST', '/api/v1/sessions/refresh', {}, 'body.refreshToken'],
    [
      'a huge token',
      'POST',
      '/api/v1/sessions/logout',
      { refreshToken: 'x'.repeat(201) },
      'body.refreshToken',
    ],
    ['a change of nothing', 'PATCH', me, {}, 'body'],
    ['a change of the id', 'PATCH', me, { id: 'another' }, 'body.id'],
    ['a change of roles', 'PATCH', me, { roles: ['admin'] }, 'body.roles'],
    ['an unknown role', 'PUT', `${path}/a/roles`, { roles: ['owner'] }, 'body.roles.0'],
    ['no role', 'PUT', `${path}/a/roles`, { roles: [] }, 'body.roles'],
    ['a bad id', 'PUT', `${path}/a%20b/roles`, { roles: ['member'] }, 'path.userId'],
  ])('names the field that is wrong: %s', async (_, method, url, body, field) => {
    const answer = await refuses(method, url, JSON.stringify(body));
    expect(answer).toMatchObject({ status: 400, code: 'invalid_request' });
    expect(answer.fields).toContain(field);
  });

  it.each<[string, string, string]>([
    ['a limit of 0', 'limit=0', 'invalid_request'],
    ['a limit of 201', 'limit=201', 'invalid_request'],
    ['a limit in words', 'limit=all', 'invalid_request'],
    ['a cursor of nobody', 'cursor=bm90aGluZw', 'invalid_cursor'],
  ])('names the parameter that is wrong: %s', async (_, query, code) => {
    const field = `query.${query.split('=')[0]}`;
    expect(await refuses('GET', `${path}?${query}`, undefined)).toEqual({
      status: 400,
      code,
      fields: [field],
    });
  });

  it('rejects bodies that are malformed, too large or of another type', async () => {
    const broken = await refuses('POST', path, '{"email": ');
    expect(broken).toEqual({ status: 400, code: 'invalid_request', fields: ['body'] });
    const poisoned = await refuses('POST', path, `{"__proto__": {"admin": true}, "name": "Ada"}`);
    expect(poisoned).toMatchObject({ status: 400, code: 'invalid_request' });
    const large = await refuses('POST', path, JSON.stringify({ ...good, name: 'x'.repeat(2_000_000) }));
    expect(large).toMatchObject({ status: 413, code: 'payload_too_large' });
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    expect(await refuses('POST', path, 'email=a', form)).toMatchObject({
      status: 415,
      code: 'unsupported_media_type',
    });
  });

  it('rejects unknown routes and methods', async () => {
    expect(await refuses('GET', '/api/v1/nothing', undefined)).toMatchObject({
      status: 404,
      code: 'not_found',
    });
    expect(await refuses('DELETE', '/api/v1/sessions', undefined)).toMatchObject({ status: 405 });
  });
});
