import { randomUUID } from 'node:crypto';
import {
  closeAccount,
  listInvoices,
  listSubscriptions,
  payInvoice,
  subscribe,
  writeOffInvoice,
} from '@slipway/contracts/billing';
import {
  changeMe,
  deleteMe,
  getKeys,
  getMe,
  logIn,
  logOut,
  refresh,
  rotateKeys,
} from '@slipway/contracts/users';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ok, send } from '../support/http.ts';
import { newPerson } from '../support/people.ts';
import { journey } from '../support/suites.ts';
import type { Target } from '../support/target.ts';

journey('an account', (open) => {
  let target: Target;
  beforeAll(async () => {
    target = await open();
  });
  afterAll(() => target.close());

  it('is signed up, read and changed by its owner', async () => {
    const { token, user } = await newPerson(target.base);
    const before = await send(target.base, getMe, {}, { token });
    expect(before.body).toMatchObject({ id: user.id, name: 'Ada', roles: ['member'] });

    const etag = before.headers.get('etag') ?? '';
    const change = { body: { name: 'Ada Lovelace' }, headers: { 'if-match': etag } };
    expect(await ok(target.base, changeMe, change, { token })).toMatchObject({ name: 'Ada Lovelace' });
    const late = await send(target.base, changeMe, change, { token });
    expect(late).toMatchObject({ status: 412, body: { code: 'version_mismatch' } });
  });

  it('cannot be distinguished from an unknown one by a wrong password', async () => {
    const { email } = await newPerson(target.base);
    const wrong = await send(target.base, logIn, { body: { email, password: 'not the password' } });
    const unknown = await send(target.base, logIn, {
      body: { email: `nobody-${randomUUID()}@example.com`, password: 'not the password' },
    });
    expect(wrong.status).toBe(401);
    expect({ ...wrong.body, correlationId: '' }).toEqual({ ...unknown.body, correlationId: '' });
  });

  it('stays logged in with a refresh token, and reuse of that token ends the session', async () => {
    const { refreshToken } = await newPerson(target.base);
    const second = await ok(target.base, refresh, { body: { refreshToken } });
    expect(await ok(target.base, getMe, {}, { token: second.accessToken })).toBeDefined();

    const stolen = await send(target.base, refresh, { body: { refreshToken } });
    expect(stolen).toMatchObject({ status: 401, body: { code: 'refresh_token_invalid' } });
    const afterTheft = await send(target.base, refresh, { body: { refreshToken: second.refreshToken } });
    expect(afterTheft.status).toBe(401);
  });

  it('stays logged in in both tabs that refresh at the same instant', async () => {
    let { refreshToken } = await newPerson(target.base);
    for (let round = 0; round < 10; round++) {
      const body = { refreshToken };
      const tabs = await Promise.all([0, 1].map(() => ok(target.base, refresh, { body })));
      for (const tab of tabs) {
        ({ refreshToken } = await ok(target.base, refresh, { body: { refreshToken: tab.refreshToken } }));
      }
    }
  });

  it('is logged out permanently', async () => {
    const { refreshToken } = await newPerson(target.base);
    await ok(target.base, logOut, { body: { refreshToken } });
    expect((await send(target.base, refresh, { body: { refreshToken } })).status).toBe(401);
  });

  it('stays logged in at every service while the signing keys rotate', async () => {
    const { token } = await newPerson(target.base);
    const admin = await target.adminToken();
    const { kid } = await ok(target.base, rotateKeys, {}, { token: admin });
    const { keys } = await ok(target.base, getKeys, {});
    expect(keys.map((key) => key.kid)).toContain(kid);
    expect((await send(target.base, getMe, {}, { token })).status).toBe(200);
    const { token: newer } = await newPerson(target.base);
    expect((await send(target.base, listSubscriptions, {}, { token: newer })).status).toBe(200);
  });

  it('cancels its subscriptions when it is deleted, and its token can no longer change anything', async () => {
    const { token, email, password } = await newPerson(target.base);
    await ok(target.base, subscribe, { body: { planId: 'free' } }, { token, key: randomUUID() });
    await ok(target.base, deleteMe, { body: { currentPassword: password } }, { token });

    const { items } = await ok(target.base, listSubscriptions, {}, { token });
    expect(items.map(({ status }) => status)).toEqual(['cancelled']);
    expect((await send(target.base, logIn, { body: { email, password } })).status).toBe(401);
    const again = { body: { planId: 'free' } };
    const late = await send(target.base, subscribe, again, { token, key: randomUUID() });
    expect(late).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
  });

  it('is not deleted with a token alone, nor with the token of a session that has ended', async () => {
    const { token, email, password } = await newPerson(target.base);
    const other = await ok(target.base, logIn, { body: { email, password } });
    const remove = (by: string, body: { currentPassword: string }) =>
      send(target.base, deleteMe, { body }, { token: by });
    expect(await remove(token, {} as never)).toMatchObject({
      status: 400,
      body: { code: 'invalid_request' },
    });
    const wrong = { status: 401, body: { code: 'wrong_credentials' } };
    expect(await remove(token, { currentPassword: 'a wrong one' })).toMatchObject(wrong);

    const change = { password: 'battery staple', currentPassword: password };
    await ok(target.base, changeMe, { body: change }, { token });
    const ended = { status: 401, body: { code: 'unauthenticated' } };
    for (const currentPassword of [password, change.password]) {
      expect(await remove(other.accessToken, { currentPassword })).toMatchObject(ended);
    }
    expect(await send(target.base, closeAccount, {}, { token: other.accessToken })).toMatchObject(ended);
    expect((await remove(token, { currentPassword: change.password })).status).toBe(204);
  });

  it.each(['paid', 'written off'])('can be deleted after its open invoices are %s', async (way) => {
    const { token, email, password } = await newPerson(target.base);
    await ok(target.base, subscribe, { body: { planId: 'starter' } }, { token, key: randomUUID() });
    const first = await send(target.base, deleteMe, { body: { currentPassword: password } }, { token });
    const { items } = await ok(target.base, listInvoices, { query: { status: 'open' } }, { token });
    const invoiceId = items[0]?.id ?? '';
    expect(first).toMatchObject({
      ...{ status: 409, body: { code: 'invoices_open', errors: [{ field: `invoices.${invoiceId}` }] } },
    });
    expect((await send(target.base, logIn, { body: { email, password } })).status).toBe(201);

    const params = { invoiceId };
    const key = randomUUID();
    if (way === 'paid') {
      await ok(target.base, payInvoice, { params, body: { method: 'pm_ok' } }, { token, key });
    } else {
      const admin = await target.adminToken();
      await ok(target.base, writeOffInvoice, { params, body: { reason: 'Left' } }, { token: admin, key });
    }
    await ok(target.base, deleteMe, { body: { currentPassword: password } }, { token });
    expect((await send(target.base, logIn, { body: { email, password } })).status).toBe(401);
  });
});
