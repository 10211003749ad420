import { createHmac } from 'node:crypto';
import { exportJWK, generateKeyPair, type JSONWebKeySet, type JWTPayload, SignJWT } from 'jose';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createKeyFinder } from './published-keys.ts';
import { createTokenVerifier, tokenAudience, tokenIssuer } from './tokens.ts';

afterEach(() => void vi.useRealTimers());

const minute = 60_000;
const start = Date.parse('2030-01-01T00:00:00Z');

type KeyPair = Awaited<ReturnType<typeof makeKey>>;

async function makeKey(kid: string) {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA');
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'EdDSA', use: 'sig' } };
}

function sign({ privateKey, kid }: KeyPair, claims: JWTPayload = {}, header: { kid?: string } = { kid }) {
  const payload = {
    sub: 'user_1',
    roles: ['member'],
    iss: tokenIssuer,
    aud: tokenAudience,
    exp: (start + 15 * minute) / 1000,
    ...claims,
  };
  return new SignJWT(payload).setProtectedHeader({ alg: 'EdDSA', ...header }).sign(privateKey);
}

/** A token put together by hand, as an attacker would. */
function forge(header: object, secret?: string) {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { sub: 'user_1', roles: ['admin'], iss: tokenIssuer, aud: tokenAudience, exp: 4e9 };
  const signed = `${part(header)}.${part(claims)}`;
  const signature = secret ? createHmac('sha256', secret).update(signed).digest('base64url') : '';
  return `${signed}.${signature}`;
}

/** A publisher of keys that counts its readings and can become unreachable. */
function publisher(...keys: KeyPair[]) {
  const state = { keys, readings: 0, away: false };
  const read = async (): Promise<JSONWebKeySet> => {
    state.readings += 1;
    if (state.away) throw new Error('connection refused');
    return { keys: state.keys.map(({ jwk }) => jwk) };
  };
  return { state, read };
}

function clock() {
  const time = { at: start };
  return { time, now: () => time.at };
}

async function setUp(...keys: KeyPair[]) {
  const { state, read } = publisher(...keys);
  const { time, now } = clock();
  return { state, time, verify: createTokenVerifier(createKeyFinder(read, now), now) };
}

const key = await makeKey('key_1');
const other = await makeKey('key_2');

describe('the check of access tokens', () => {
  it('names the subject and the roles of a good token', async () => {
    const { verify } = await setUp(key);
    expect(await verify(await sign(key))).toEqual({ subject: 'user_1', roles: ['member'] });
  });

  it('returns at once whose token it is, if that was verified lately, and of no other', async () => {
    const { verify, time } = await setUp(key);
    const token = await sign(key);
    expect(verify.cached(token)).toBeUndefined();
    await verify(token);
    expect(verify.cached(token)).toMatchObject({ subject: 'user_1' });
    time.at += 2 * minute;
    expect(verify.cached(token)).toBeUndefined();
  });

  it('names the login that the token came from', async () => {
    const { verify } = await setUp(key);
    expect(await verify(await sign(key, { sid: 'login_1' }))).toMatchObject({ session: 'login_1' });
  });

  it('names when the token was issued, in milliseconds', async () => {
    const { verify } = await setUp(key);
    expect(await verify(await sign(key, { iat: 1_700_000_000 }))).toMatchObject({
      issuedAt: 1_700_000_000_000,
    });
  });

  it('treats a token without a list of roles as one that has none', async () => {
    const { verify } = await setUp(key);
    expect(await verify(await sign(key, { roles: 'admin' }))).toEqual({ subject: 'user_1', roles: [] });
  });

  it('reports that a token has expired, also one it has seen valid before', async () => {
    const { verify, time } = await setUp(key);
    const token = await sign(key, { exp: start / 1000 + 30 });
    await verify(token);
    time.at = start + minute / 2;
    await expect(verify(token)).rejects.toMatchObject({ code: 'token_expired', status: 401 });
  });

  it.each([
    ['another issuer', { iss: 'someone' }],
    ['another audience', { aud: 'elsewhere' }],
    ['no subject', { sub: undefined }],
    ['no expiry', { exp: undefined }],
    ['a time before which it is not valid', { nbf: start / 1000 + 60 }],
  ])('rejects a token with %s', async (_, claims) => {
    const { verify } = await setUp(key);
    await expect(verify(await sign(key, claims))).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('rejects a token that another key signed in the name of a known one', async () => {
    const { verify } = await setUp(key);
    const forged = sign({ ...other, kid: key.kid });
    await expect(verify(await forged)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('rejects a token whose claims were changed', async () => {
    const { verify } = await setUp(key);
    const [header, , signature] = (await sign(key)).split('.');
    const [, claims] = (await sign(key, { roles: ['admin'] })).split('.');
    await expect(verify(`${header}.${claims}.${signature}`)).rejects.toMatchObject({
      code: 'unauthenticated',
    });
  });

  it('rejects the algorithm none', async () => {
    const { verify } = await setUp(key);
    const token = forge({ alg: 'none', kid: key.kid });
    await expect(verify(token)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('rejects HS256 with the public key as the secret', async () => {
    const { verify } = await setUp(key);
    const token = forge({ alg: 'HS256', kid: key.kid }, String(key.jwk.x));
    await expect(verify(token)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('accepts no other algorithm than EdDSA, whatever key it would be checked with', async () => {
    const verify = createTokenVerifier(async () => Buffer.from('a secret that somebody knows, 32 bytes'));
    const token = forge({ alg: 'HS256', kid: key.kid }, 'a secret that somebody knows, 32 bytes');
    await expect(verify(token)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('rejects a token that names no key, without asking for keys', async () => {
    const { verify, state } = await setUp(key);
    const token = await sign(key, {}, {});
    await expect(verify(token)).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(state.readings).toBe(0);
  });

  it.each(['', 'x', 'a.b.c', '..', 'ey.ey.ey'])('rejects %j, which is no token', async (token) => {
    const { verify } = await setUp(key);
    await expect(verify(token)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('checks a signature once a minute, so that a withdrawn key is trusted no longer', async () => {
    const { now, time } = clock();
    let looked = 0;
    const verify = createTokenVerifier((header, token) => {
      looked += 1;
      return createKeyFinder(publisher(key).read, now)(header, token);
    }, now);
    const token = await sign(key);
    for (time.at = start; time.at < start + minute; time.at += minute / 4) await verify(token);
    expect(looked).toBe(1);
    await verify(token);
    expect(looked).toBe(2);
  });
});

describe('published keys', () => {
  it('are read once for many who wait', async () => {
    const { verify, state } = await setUp(key);
    const tokens = await Promise.all([1, 2, 3, 4].map((n) => sign(key, { sub: `user_${n}` })));
    await Promise.all(tokens.map(verify));
    expect(state.readings).toBe(1);
  });

  it('are unavailable while their publisher has never responded, and are read as soon as it does', async () => {
    const { verify, state } = await setUp(key);
    state.away = true;
    await expect(verify(await sign(key))).rejects.toMatchObject({ code: 'unavailable', retryAfter: 1 });
    state.away = false;
    expect(await verify(await sign(key))).toMatchObject({ subject: 'user_1' });
  });

  it('stay valid while their publisher is unreachable', async () => {
    const { verify, state, time } = await setUp(key);
    await verify(await sign(key));
    state.away = true;
    time.at = start + 10 * minute;
    expect(await verify(await sign(key))).toMatchObject({ subject: 'user_1' });
    expect(state.readings).toBe(2);
  });

  it('are not read over and over while their publisher is unreachable', async () => {
    const { verify, state, time } = await setUp(key);
    await verify(await sign(key));
    state.away = true;
    time.at = start + 10 * minute;
    for (const n of [1, 2, 3]) await verify(await sign(key, { sub: `user_${n}` }));
    expect(state.readings).toBe(2);
  });

  it('are read again when a token names a new one', async () => {
    const { verify, state, time } = await setUp(key);
    await verify(await sign(key));
    state.keys = [key, other];
    time.at += 5_000;
    expect(await verify(await sign(other))).toMatchObject({ subject: 'user_1' });
    expect(state.readings).toBe(2);
  });

  it('are read for a new one also when the clock of the system was set back', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'], now: start });
    const { state, read } = publisher(key);
    const verify = createTokenVerifier(createKeyFinder(read));
    await verify(await sign(key));
    state.keys = [key, other];
    vi.advanceTimersByTime(5_000);
    vi.setSystemTime(start - 60 * minute);
    expect(await verify(await sign(other))).toMatchObject({ subject: 'user_1' });
  });

  it('are not read for every made-up key', async () => {
    const { verify, state, time } = await setUp(key);
    await verify(await sign(key));
    time.at += 5_000;
    for (const kid of ['a', 'b', 'c']) {
      const token = await sign({ ...other, kid });
      await expect(verify(token)).rejects.toMatchObject({ code: 'unauthenticated' });
    }
    expect(state.readings).toBe(2);
  });

  it('are not read for every made-up key while their publisher is unreachable', async () => {
    const { verify, state, time } = await setUp(key);
    await verify(await sign(key));
    state.away = true;
    time.at += minute;
    for (const kid of ['a', 'b', 'c']) {
      const token = await sign({ ...other, kid });
      await expect(verify(token)).rejects.toMatchObject({ code: 'unavailable' });
    }
    expect(state.readings).toBe(2);
  });

  it('are unavailable, and no token is called invalid, while the set that is read is malformed', async () => {
    const read = async () => ({ keys: 'none' }) as unknown as JSONWebKeySet;
    const verify = createTokenVerifier(createKeyFinder(read), () => start);
    await expect(verify(await sign(key))).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('stay valid while the set that is read again is malformed', async () => {
    const { verify, state, time } = await setUp(key);
    await verify(await sign(key));
    state.keys = { map: () => 'none' } as never;
    time.at = start + 10 * minute;
    expect(await verify(await sign(key, { sub: 'user_2' }))).toMatchObject({ subject: 'user_2' });
    expect(await verify(await sign(key, { sub: 'user_3' }))).toMatchObject({ subject: 'user_3' });
    expect(state.readings).toBe(2);
  });

  it('do not decide whether a token with an unknown key is valid while the publisher is unreachable', async () => {
    const { verify, state, time } = await setUp(key);
    await verify(await sign(key));
    state.away = true;
    time.at += 5_000;
    await expect(verify(await sign(other))).rejects.toMatchObject({ code: 'unavailable' });
  });
});
