import { createHmac } from 'node:crypto';
import { importJWK, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startUsers } from './testing/service.ts';

const me = '/api/v1/users/me';

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
    const [key] = (await users.store.keyRing.get('key ring'))?.keys ?? [];
    if (!key) throw new Error('There is no key');
    return new SignJWT({ ...claims, sub: subject, ...changes })
      .setProtectedHeader({ alg: 'EdDSA', kid: key.kid })
      .sign(await importJWK(key.privateKey, 'EdDSA'));
  }

  const bad: Record<string, () => Promise<string>> = {
    'no token': async () => 'token',
    'no signature': async () => `${part({ alg: 'none' })}.${part({ ...claims, sub: subject })}.`,
    'the public key as the secret of HS256': async () => {
      const [key] = (await users.store.keyRing.get('key ring'))?.keys ?? [];
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

  it.each(Object.keys(bad))('rejects it: %s', async (name) => {
    const answer = await users.send('GET', me, { token: await bad[name]?.() });
    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
  });

  it('says that a token has expired', async () => {
    const answer = await users.send('GET', me, { token: await signed({ exp: 1_000_000_000 }) });
    expect(answer).toMatchObject({ status: 401, body: { code: 'token_expired' } });
  });

  it('asks for a token if there is none', async () => {
    expect(await users.send('GET', me)).toMatchObject({
      status: 401,
      body: { code: 'unauthenticated', errors: [{ field: 'header.authorization' }] },
    });
  });

  it('trusts its own list of administrators, not the role in a token', async () => {
    const token = await signed({ roles: ['admin'] });
    expect((await users.send('GET', me, { token })).status).toBe(200);
    expect((await users.send('GET', '/api/v1/users', { token })).status).toBe(403);
  });
});
