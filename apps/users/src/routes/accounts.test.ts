import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { admin as administrator, interruptible, startUsers } from '../testing/service.ts';

describe('accounts over HTTP', () => {
  let users: Awaited<ReturnType<typeof startUsers>>;
  let before: ReturnType<typeof interruptible>['before'];
  let admin: string;
  beforeAll(async () => {
    users = await startUsers({}, [], (store) => {
      const wrapped = interruptible(store);
      before = wrapped.before;
      return wrapped.store;
    });
    admin = await users.adminToken();
  });
  afterAll(() => users.app.close());

  const me = '/api/v1/users/me';
  const rolesOf = (id: string) => `/api/v1/users/${id}/roles`;

  it('are created, and returned without the password', async () => {
    const body = { email: ' New@Example.com ', password: 'correct horse', name: 'Ñandú 🚀' };
    const made = await users.send('POST', '/api/v1/users', { body });
    expect(made).toMatchObject({ status: 201, headers: { etag: '"1-member"' } });
    expect(made.body).toEqual({
      id: expect.any(String),
      email: 'new@example.com',
      name: 'Ñandú 🚀',
      roles: ['member'],
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      version: 1,
    });
    const again = await users.send('POST', '/api/v1/users', { body: { ...body, email: 'NEW@example.com' } });
    expect(again).toMatchObject({
      status: 409,
      body: { code: 'email_taken', errors: [{ field: 'body.email' }] },
    });
  });

  it('are read and changed by their owner, unless another change was faster', async () => {
    const { token, password } = await users.newPerson();
    const before = await users.send('GET', me, { token });
    const headers = { 'if-match': String(before.headers.etag) };
    const changed = await users.send('PATCH', me, { token, headers, body: { name: 'Countess' } });
    expect(changed).toMatchObject({
      status: 200,
      headers: { etag: '"2-member"' },
      body: { name: 'Countess' },
    });
    expect((await users.send('GET', me, { token })).body).toEqual(changed.body);

    const late = { status: 412, body: { code: 'version_mismatch', errors: [{ field: 'header.if-match' }] } };
    expect(await users.send('PATCH', me, { token, headers, body: { name: 'Lady' } })).toMatchObject(late);
    const body = { currentPassword: password };
    expect(await users.send('DELETE', me, { token, headers, body })).toMatchObject(late);
    expect((await users.send('GET', me, { token })).body).toEqual(changed.body);
  });

  it.each([
    [undefined, 200],
    ['*', 200],
    ['"1-member"', 412],
  ])('are changed with If-Match %j, although another change is faster: %i', async (ifMatch, status) => {
    const { token } = await users.newPerson();
    const headers: Record<string, string> = ifMatch ? { 'if-match': ifMatch } : {};
    const change = (name: string) => users.send('PATCH', me, { token, headers, body: { name } });
    before('accounts.replace', () => change('Countess'));
    expect((await change('Lady')).status).toBe(status);
    const last = status === 200 ? { name: 'Lady', version: 3 } : { name: 'Countess', version: 2 };
    expect((await users.send('GET', me, { token })).body).toMatchObject(last);
  });

  it('take a new password, which ends all other sessions and the old password', async () => {
    const person = await users.newPerson();
    const other = await users.logIn(person.email, person.password);
    const body = { password: 'battery staple', currentPassword: person.password };
    expect((await users.send('PATCH', me, { token: person.token, body })).status).toBe(200);

    const refresh = async (refreshToken: string) =>
      (await users.send('POST', '/api/v1/sessions/refresh', { body: { refreshToken } })).status;
    expect(await refresh(other.refreshToken)).toBe(401);
    expect(await refresh(person.refreshToken)).toBe(200);
    expect(await users.logIn(person.email, person.password)).toMatchObject({ code: 'wrong_credentials' });
    expect(await users.logIn(person.email, body.password)).toHaveProperty('accessToken');
  });

  it('take a new e-mail address with the current password, unless it belongs to another', async () => {
    const [person, other] = [await users.newPerson(), await users.newPerson()];
    const change = (body: object) => users.send('PATCH', me, { token: person.token, body });
    expect(await change({ email: 'moved@example.com' })).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'body.currentPassword' }] },
    });
    const currentPassword = person.password;
    expect(await change({ email: other.email, currentPassword })).toMatchObject({
      status: 409,
      body: { code: 'email_taken' },
    });
    expect(await change({ email: 'Moved@example.com', currentPassword })).toMatchObject({
      status: 200,
      body: { email: 'moved@example.com' },
    });
    expect(await users.logIn('moved@example.com', person.password)).toHaveProperty('accessToken');
  });

  it('are deleted by their owner, whose token ends immediately', async () => {
    const person = await users.newPerson();
    const { token } = person;
    const body = { currentPassword: person.password };
    expect(await users.send('DELETE', me, { token, body })).toMatchObject({ status: 204, body: undefined });
    expect(await users.send('GET', me, { token })).toMatchObject({
      status: 401,
      body: { code: 'unauthenticated' },
    });
    expect(await users.logIn(person.email, person.password)).toMatchObject({ code: 'wrong_credentials' });
    const { refreshToken } = person;
    const refreshed = await users.send('POST', '/api/v1/sessions/refresh', { body: { refreshToken } });
    expect(refreshed.status).toBe(401);
  });

  it('are deleted by a repeated request after its response was lost', async () => {
    const { token, password } = await users.newPerson();
    const before = await users.send('GET', me, { token });
    const headers = { 'if-match': String(before.headers.etag) };
    const body = { currentPassword: password };
    for (let i = 0; i < 2; i++) {
      expect(await users.send('DELETE', me, { token, headers, body })).toMatchObject({
        status: 204,
        body: undefined,
      });
    }
  });

  it('grant nothing to a token that outlives them', async () => {
    const { user, token } = await users.newPerson();
    const roles = { token: admin, body: { roles: ['member', 'admin'] } };
    await users.send('PUT', rolesOf(user.id), roles);
    // A role that is given at this moment outlives its account.
    await users.store.accounts.remove(user.id, { version: 1 });
    const refused = { status: 401, body: { code: 'unauthenticated' } };
    expect(await users.send('PATCH', me, { token, body: { name: 'Ghost' } })).toMatchObject(refused);
    expect((await users.send('GET', '/api/v1/users', { token })).status).toBe(403);
  });

  it('are read once for each request of their owner, at the same time as the roles', async () => {
    const reads: string[] = [];
    let running = 0;
    let maxRunning = 0;
    const counted = <Part extends { get(id: string): Promise<unknown> }>(name: string, part: Part): Part => ({
      ...part,
      async get(id: string) {
        reads.push(name);
        running += 1;
        maxRunning = Math.max(maxRunning, running);
        await new Promise(setImmediate);
        running -= 1;
        return part.get(id);
      },
    });
    const slow = await startUsers({}, [], (store) => ({
      ...store,
      accounts: counted('accounts', store.accounts),
      administrators: counted('administrators', store.administrators),
    }));
    const { token } = await slow.newPerson();
    reads.length = 0;
    maxRunning = 0;
    expect((await slow.send('GET', me, { token })).status).toBe(200);
    expect(reads.toSorted()).toEqual(['accounts', 'administrators']);
    expect(maxRunning).toBe(2);
    await slow.app.close();
  });

  it('are listed by administrators, page by page', async () => {
    await users.newPerson();
    const all = (await users.send('GET', '/api/v1/users', { token: admin })).body.items;
    expect(all[0]).toMatchObject({ email: 'admin@example.com', roles: ['member', 'admin'] });
    const seen = [];
    for (let cursor = ''; ; ) {
      const page = await users.send('GET', `/api/v1/users?limit=2${cursor}`, { token: admin });
      seen.push(...page.body.items);
      if (!page.body.next) break;
      expect(page.body.items).toHaveLength(2);
      cursor = `&cursor=${page.body.next}`;
    }
    expect(seen).toEqual(all);
  });

  it('get and lose the role of administrator immediately, each with its own ETag', async () => {
    const { user, token } = await users.newPerson();
    const set = (...roles: string[]) =>
      users.send('PUT', rolesOf(user.id), { token: admin, body: { roles } });
    expect((await users.send('GET', '/api/v1/users', { token })).status).toBe(403);
    expect(await set('member', 'admin')).toMatchObject({
      status: 200,
      headers: { etag: '"1-member-admin"' },
      body: { roles: ['member', 'admin'] },
    });
    expect((await users.send('GET', '/api/v1/users', { token })).status).toBe(200);
    expect((await set('member')).body.roles).toEqual(['member']);
    expect((await users.send('GET', '/api/v1/users', { token })).status).toBe(403);
  });

  it('are never left without an administrator', async () => {
    const { body: user } = await users.send('GET', me, { token: admin });
    const refused = { status: 409, body: { code: 'last_administrator' } };
    const demote = { token: admin, body: { roles: ['member'] } };
    expect(await users.send('PUT', rolesOf(user.id), demote)).toMatchObject(refused);
    const body = { currentPassword: administrator.password };
    expect(await users.send('DELETE', me, { token: admin, body })).toMatchObject(refused);
    expect((await users.send('GET', me, { token: admin })).body).toEqual(user);
  });

  it('report whether they can be deleted, without being deleted', async () => {
    const { token, password } = await users.newPerson();
    const check = async (by: string, currentPassword: string, etag?: string) => {
      const headers: Record<string, string> = etag ? { 'if-match': etag } : {};
      const request = { token: by, headers, body: { currentPassword } };
      const { status, body } = await users.send('POST', `${me}/deletion`, request);
      return [status, body?.code];
    };
    expect(await check(token, password)).toEqual([204, undefined]);
    expect(await check(token, password, '"1-member"')).toEqual([204, undefined]);
    expect(await check(token, password, '"2-member"')).toEqual([412, 'version_mismatch']);
    expect(await check(token, 'a wrong one')).toEqual([401, 'wrong_credentials']);
    expect(await check(admin, administrator.password)).toEqual([409, 'last_administrator']);
    const body = { currentPassword: password };
    expect((await users.send('DELETE', me, { token, body })).status).toBe(204);
    expect(await check(token, password)).toEqual([204, undefined]);
  });

  it('are not deleted without their password', async () => {
    const { token } = await users.newPerson();
    expect(await users.send('DELETE', me, { token })).toMatchObject({
      status: 400,
      body: { code: 'invalid_request' },
    });
    expect(await users.send('DELETE', me, { token, body: {} })).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'body.currentPassword' }] },
    });
    expect(await users.send('DELETE', me, { token, body: { currentPassword: 'a wrong one' } })).toMatchObject(
      {
        status: 401,
        body: { code: 'wrong_credentials', errors: [{ field: 'body.currentPassword' }] },
      },
    );
    expect((await users.send('GET', me, { token })).status).toBe(200);
  });

  it('get no role if they do not exist', async () => {
    const request = { token: admin, body: { roles: ['member', 'admin'] } };
    expect(await users.send('PUT', rolesOf('nobody'), request)).toMatchObject({
      status: 404,
      body: { code: 'not_found' },
    });
  });
});
