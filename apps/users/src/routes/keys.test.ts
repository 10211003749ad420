import { createLocalJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startUsers } from '../testing/service.ts';

describe('the keys of access tokens over HTTP', () => {
  let users: Awaited<ReturnType<typeof startUsers>>;
  beforeAll(async () => {
    users = await startUsers();
  });
  afterAll(() => users.app.close());

  it('verify a token in any service, and may be cached for a moment', async () => {
    const { token, user } = await users.newPerson();
    const { headers, body } = await users.send('GET', '/.well-known/jwks.json');
    expect(headers['cache-control']).toBe('public, max-age=15');
    const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(body));
    expect(protectedHeader.alg).toBe('EdDSA');
    expect(payload).toMatchObject({ sub: user.id, iss: 'slipway-users', aud: 'slipway', roles: ['member'] });
    expect(JSON.stringify(body)).not.toContain('"d"');
  });

  it('are rotated by administrators only, and tokens stay valid', async () => {
    const { token } = await users.newPerson();
    const rotate = (by: string) => users.send('POST', '/api/v1/signing-keys', { token: by });
    expect(await rotate(token)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    const { status, body } = await rotate(await users.adminToken());
    expect(status).toBe(201);
    expect(Date.parse(body.signsFrom)).toBeGreaterThan(Date.now());

    const { keys } = (await users.send('GET', '/.well-known/jwks.json')).body;
    expect(keys.map(({ kid }: { kid: string }) => kid)).toContain(body.kid);
    expect((await users.send('GET', '/api/v1/users/me', { token })).status).toBe(200);
  });
});
