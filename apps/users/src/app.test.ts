import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { buildService } from '@slipway/platform/service/service';
import { readSettings } from '@slipway/platform/service/settings';
import { StartError } from '@slipway/platform/service/start-error';
import { importJWK, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { users as definition } from './app.ts';
import { admin, startUsers } from './test-service.ts';

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

  /** What is kept, to see that nothing was written. */
  async function everything(): Promise<string> {
    const { store } = users;
    const [accounts, events] = [await store.listAccounts(100), await store.outbox.pending(100)];
    return JSON.stringify({
      accounts,
      events,
      list: await store.administrators(),
      ring: await store.keyRing(),
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

  it('refuses bodies that are malformed, too large or of another type', async () => {
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

  it('refuses unknown routes and methods', async () => {
    expect(await refuses('GET', '/api/v1/nothing', undefined)).toMatchObject({
      status: 404,
      code: 'not_found',
    });
    expect(await refuses('DELETE', '/api/v1/sessions', undefined)).toMatchObject({ status: 405 });
  });
});

describe('users, given a bad token', () => {
  let users: Awaited<ReturnType<typeof startUsers>>;
  let subject: string;
  beforeAll(async () => {
    users = await startUsers();
    subject = (await users.newPerson()).user.id;
  });
  afterAll(() => users.app.close());

  const claims = { roles: ['admin'], iss: 'slipway-users', aud: 'slipway', exp: 4_000_000_000 };
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

  /** A token signed with the service's own key. */
  async function signed(changes: object): Promise<string> {
    const [key] = (await users.store.keyRing()).keys;
    if (!key) throw new Error('There is no key');
    return new SignJWT({ ...claims, sub: subject, ...changes })
      .setProtectedHeader({ alg: 'EdDSA', kid: key.kid })
      .sign(await importJWK(key.privateKey, 'EdDSA'));
  }

  const bad: Record<string, () => Promise<string>> = {
    'no token': async () => 'token',
    'no signature': async () => `${part({ alg: 'none' })}.${part({ ...claims, sub: subject })}.`,
    'the public key as the secret of HS256': async () => {
      const [key] = (await users.store.keyRing()).keys;
      const head = `${part({ alg: 'HS256', kid: key?.kid })}.${part({ ...claims, sub: subject })}`;
      const signature = createHmac('sha256', Buffer.from(String(key?.publicKey.x), 'base64url')).update(head);
      return `${head}.${signature.digest('base64url')}`;
    },
    'the claims of another token': async () => {
      const [head, , signature] = (await signed({})).split('.');
      return `${head}.${part({ ...claims, sub: 'another' })}.${signature}`;
    },
    'another issuer': () => signed({ iss: 'somebody' }),
    'another audience': () => signed({ aud: 'somewhere' }),
    'an account that never was': () => signed({ sub: 'nobody' }),
    'no subject': () => signed({ sub: undefined }),
    'no expiry': () => signed({ exp: undefined }),
  };

  it.each(Object.keys(bad))('refuses it: %s', async (name) => {
    const answer = await users.send('GET', me, { token: await bad[name]?.() });
    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
  });

  it('says that a token has expired', async () => {
    const answer = await users.send('GET', me, { token: await signed({ exp: 1_000_000_000 }) });
    expect(answer).toMatchObject({ status: 401, body: { code: 'token_expired' } });
  });

  it('asks for a token where there is none', async () => {
    expect(await users.send('GET', me)).toMatchObject({
      status: 401,
      body: { code: 'unauthenticated', errors: [{ field: 'header.authorization' }] },
    });
  });

  it('believes its own list of administrators, not the role in a token', async () => {
    const token = await signed({ roles: ['admin'] });
    expect((await users.send('GET', me, { token })).status).toBe(200);
    expect((await users.send('GET', '/api/v1/users', { token })).status).toBe(403);
  });
});

describe('the log of users', () => {
  it('has a line for each request of a journey, and none of its secrets', async () => {
    const lines: string[] = [];
    const users = await startUsers({ LOG_LEVEL: 'trace' }, lines);
    const { email, password, token, refreshToken } = await users.newPerson('Augusta');
    await users.send('PATCH', me, {
      token,
      body: { name: 'Byron', email: 'moved@example.com', currentPassword: password },
    });
    await users.send('PATCH', me, {
      token,
      body: { password: 'battery staple', currentPassword: 'a wrong one' },
    });
    await users.send('POST', '/api/v1/users', {
      body: { email: 'moved@example.com', password, name: 'Twin' },
    });
    await users.send('POST', '/api/v1/users', {
      body: { email: 'not@@valid', password: 'short', name: 'Typo' },
    });
    const { body } = await users.send('POST', '/api/v1/sessions/refresh', { body: { refreshToken } });
    const rotatedBy = Date.now();
    while (Date.now() <= rotatedBy) await new Promise(setImmediate);
    await users.send('POST', '/api/v1/sessions/refresh', { body: { refreshToken } });
    await users.send('GET', me, { token: `${token}x` });
    await users.send('DELETE', me, { token });
    await users.app.close();

    const log = lines.join('');
    expect(lines.filter((line) => line.includes('"msg":"request"')).length).toBeGreaterThanOrEqual(9);
    expect(log).toContain('refresh token reused');
    const secrets = [
      ...[email, 'moved@example.com', 'not@@valid', admin.email, 'Augusta', 'Byron'],
      ...[password, 'battery staple', 'a wrong one', 'short', admin.password, 'secret-between-services'],
      ...[token, refreshToken, body.accessToken, body.refreshToken],
    ];
    for (const secret of secrets) expect(log).not.toContain(secret);
  });
});

describe('what users tells reporting', () => {
  type Delivery = { path?: string; authorization?: string; body: string };

  /** A server in the place of reporting, that keeps what it is told and takes all of it. */
  async function listen() {
    const deliveries: Delivery[] = [];
    const server = createServer(async (request, response) => {
      const body = await text(request);
      deliveries.push({ path: request.url, authorization: request.headers.authorization, body });
      const { events } = JSON.parse(body);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ applied: events.length, duplicates: 0, refused: 0 }));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    return { deliveries, url: `http://127.0.0.1:${port}`, close: () => server.close() };
  }

  it('is each sign-up and deletion, once it is there to be told, and nothing personal', async () => {
    const reporting = await listen();
    const users = await startUsers({ REPORTING_URL: reporting.url });
    const { user, token, email } = await users.newPerson();
    await users.send('DELETE', me, { token });
    await vi.waitFor(async () => expect(await users.store.outbox.pending(1)).toEqual([]), 10_000);
    await users.app.close();
    reporting.close();

    const told = reporting.deliveries.flatMap(({ body }) => JSON.parse(body).events);
    expect(told.filter(({ data }) => data.userId === user.id)).toMatchObject([
      { type: 'user.signed_up', source: 'users', data: { userId: user.id } },
      { type: 'user.deleted', source: 'users', data: { userId: user.id } },
    ]);
    expect(
      new Set(reporting.deliveries.map(({ path, authorization }) => `${path} ${authorization}`)),
    ).toEqual(new Set(['/internal/v1/events Bearer secret-between-services']));
    expect(JSON.stringify(told)).not.toContain(email);
  });
});

describe('the start of users', () => {
  const base = {
    STORE_URL: 'sqlite::memory:',
    SERVICE_TOKEN: 'secret-between-services',
    LOG_LEVEL: 'silent',
  };
  const start = (env: Record<string, string>) =>
    buildService(definition, readSettings(definition.settings, { ...base, ...env }));

  it('needs both the e-mail address and the password of the first administrator', async () => {
    const sentence = new StartError('ADMIN_EMAIL and ADMIN_PASSWORD must be set together.');
    await expect(start({ ADMIN_EMAIL: 'a@b.c' })).rejects.toThrow(sentence);
    await expect(start({ ADMIN_PASSWORD: 'long enough' })).rejects.toThrow(sentence);
  });

  it('refuses an e-mail address or a password with which nobody could sign up', () => {
    expect(() =>
      readSettings(definition.settings, { ...base, ADMIN_EMAIL: 'nobody', ADMIN_PASSWORD: 'short' }),
    ).toThrow(/ADMIN_EMAIL.*\n.*ADMIN_PASSWORD/);
  });

  it('says which proxies it does not understand', async () => {
    await expect(start({ TRUSTED_PROXIES: 'loopback, my-gateway' })).rejects.toThrow(
      /^TRUSTED_PROXIES .*my-gateway/,
    );
  });
});
