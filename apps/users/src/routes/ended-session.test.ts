import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startUsers } from '../testing/service.ts';

const me = '/api/v1/users/me';
const rolesOf = (id: string) => `/api/v1/users/${id}/roles`;

describe.each(['a new password', 'a log-out'])('a token of a session that was ended by %s', (end) => {
  let users: Awaited<ReturnType<typeof startUsers>>;
  beforeAll(async () => {
    users = await startUsers();
  });
  afterAll(() => users.app.close());

  /** Ends the session of the administrator's or the person's returned token, which has not expired. */
  async function endedToken(of: { email: string; password: string }) {
    const { accessToken, refreshToken } = await users.logIn(of.email, of.password);
    if (end === 'a log-out') {
      await users.send('POST', '/api/v1/sessions/logout', { body: { refreshToken } });
      return { token: accessToken, password: of.password };
    }
    const { accessToken: other } = await users.logIn(of.email, of.password);
    const password = `${of.password}!`;
    const body = { password, currentPassword: of.password };
    expect((await users.send('PATCH', me, { token: other, body })).status).toBe(200);
    return { token: accessToken, password };
  }
  const ended = { status: 401, body: { code: 'unauthenticated', detail: 'The session has ended' } };

  it('is accepted for nothing that cannot be undone', async () => {
    const person = await users.newPerson();
    const { token, password } = await endedToken(person);
    const current = { currentPassword: password };
    const another = { password: 'battery staple', ...current };
    expect(await users.send('DELETE', me, { token, body: current })).toMatchObject(ended);
    expect(await users.send('POST', `${me}/deletion`, { token, body: current })).toMatchObject(ended);
    expect(await users.send('PATCH', me, { token, body: another })).toMatchObject(ended);
    expect(await users.send('GET', '/api/v1/sessions/current', { token })).toMatchObject(ended);
    expect((await users.send('GET', '/api/v1/sessions/current', person)).status).toBe(
      end === 'a log-out' ? 204 : 401,
    );
    expect((await users.send('GET', me, { token })).status).toBe(200);
  });

  it('is accepted for no change of roles or keys, though it is an administrator’s', async () => {
    const person = await users.newPerson();
    await users.send('PUT', rolesOf(person.user.id), {
      token: await users.adminToken(),
      body: { roles: ['member', 'admin'] },
    });
    const { token } = await endedToken(person);
    const roles = { roles: ['member', 'admin'] };
    const other = await users.newPerson();
    expect(await users.send('PUT', rolesOf(other.user.id), { token, body: roles })).toMatchObject(ended);
    expect(await users.send('POST', '/api/v1/signing-keys', { token })).toMatchObject(ended);
  });
});
