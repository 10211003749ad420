import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addressLimit, createPasswordCheck, pairLimit } from '../login-limit.ts';
import { startUsers } from '../testing/service.ts';

describe('sessions over HTTP', () => {
  let users: Awaited<ReturnType<typeof startUsers>>;
  const lines: string[] = [];
  beforeAll(async () => {
    users = await startUsers({}, lines);
  });
  beforeEach(() => {
    lines.length = 0;
  });
  afterAll(() => users.app.close());

  const logIn = (email: string, password: string, headers: Record<string, string> = {}) =>
    users.send('POST', '/api/v1/sessions', { body: { email, password }, headers });
  const refresh = (refreshToken: string) =>
    users.send('POST', '/api/v1/sessions/refresh', { body: { refreshToken } });

  it('begin with tokens that no cache may store', async () => {
    const { email, password } = await users.newPerson();
    const { status, headers, body } = await logIn(email, password);
    expect({ status, cache: headers['cache-control'] }).toEqual({ status: 201, cache: 'no-store' });
    expect(body).toEqual({
      accessToken: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      refreshToken: expect.any(String),
      tokenType: 'Bearer',
      expiresIn: 300,
    });
  });

  it('begin with the same error for an unknown account and a wrong password', async () => {
    const { email } = await users.newPerson();
    const wrong = await logIn(email, 'wrong');
    const unknown = await logIn('nobody@example.com', 'wrong');
    expect(wrong).toMatchObject({ status: 401, body: { code: 'wrong_credentials' } });
    const told = ({ status, headers, body }: typeof wrong) => ({
      status,
      headers: Object.keys(headers),
      length: headers['content-length'],
      body: { ...body, correlationId: '' },
    });
    expect(told(unknown)).toEqual(told(wrong));
  });

  it('continue by a refresh, and end when a token is used twice', async () => {
    const { refreshToken } = await users.newPerson();
    const second = await refresh(refreshToken);
    expect(second).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } });
    const rotatedBy = Date.now();
    while (Date.now() <= rotatedBy) await new Promise(setImmediate);
    const refused = { status: 401, body: { code: 'refresh_token_invalid' } };
    expect(await refresh(refreshToken)).toMatchObject(refused);
    expect(await refresh(second.body.refreshToken)).toMatchObject(refused);
  });

  it('continue in both tabs when two requests are sent at the same time', async () => {
    const base = await users.app.listen({ port: 0, host: '127.0.0.1' });
    const post = async (refreshToken: string, age?: string) => {
      const headers = { 'content-type': 'application/json', ...(age && { 'x-request-age-ms': age }) };
      const body = JSON.stringify({ refreshToken });
      return fetch(`${base}/api/v1/sessions/refresh`, { method: 'POST', headers, body });
    };
    const { refreshToken } = await users.newPerson();
    const answers = await Promise.all([post(refreshToken), post(refreshToken)]);
    // It was received before the others, but waited in the gateway.
    answers.push(await post(refreshToken, '5000'));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    for (const answer of answers) {
      const { refreshToken: next } = (await answer.json()) as { refreshToken: string };
      expect((await post(next)).status).toBe(200);
    }
    expect((await post(refreshToken)).status).toBe(401);
    expect(lines.filter((line) => line.includes('refresh token reused'))).toHaveLength(1);
  });

  it('end by a logout, however often', async () => {
    const { refreshToken } = await users.newPerson();
    for (let i = 0; i < 2; i++) {
      const ended = await users.send('POST', '/api/v1/sessions/logout', { body: { refreshToken } });
      expect(ended).toMatchObject({ status: 204, body: undefined });
    }
    expect((await refresh(refreshToken)).status).toBe(401);
  });

  it('cannot begin for a while after too many wrong passwords', async () => {
    const { email, password } = await users.newPerson();
    for (let i = 0; i < pairLimit.free; i++) await logIn(email, 'wrong');
    const refused = await logIn(email, password);
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    expect(refused.headers['retry-after']).toBe('1');
  });
});

describe('the address that is limited', () => {
  /** The response to a login from behind `forwardedFor` after too many failures from the address `usedUp`. */
  async function statusFor(forwardedFor: string, usedUp: string, trusted: string) {
    const users = await startUsers({ TRUSTED_PROXIES: trusted });
    const check = createPasswordCheck(users.store, { verify: async () => false });
    for (let i = 0; i < addressLimit.free; i++) await check(undefined, `person ${i}`, 'wrong', usedUp);
    const { status } = await users.send('POST', '/api/v1/sessions', {
      body: { email: 'ada@example.com', password: 'wrong' },
      headers: { 'x-forwarded-for': forwardedFor },
    });
    await users.app.close();
    return status;
  }

  it.each<[string, string, string, string, number]>([
    ['the one a trusted proxy tells', '203.0.113.7', '203.0.113.7', 'loopback', 429],
    ['not the one a client claims to that proxy', '203.0.113.7, 203.0.113.8', '203.0.113.7', 'loopback', 401],
    [
      'the one before a second trusted proxy',
      '203.0.113.7, 10.1.2.3',
      '203.0.113.7',
      'loopback, 10.0.0.0/8',
      429,
    ],
    ["the peer's if that is not trusted", '203.0.113.7', '127.0.0.1', '10.0.0.0/8', 429],
  ])('is %s', async (_, forwardedFor, usedUp, trusted, status) => {
    expect(await statusFor(forwardedFor, usedUp, trusted)).toBe(status);
  });
});
