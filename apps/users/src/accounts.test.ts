import { describe, expect, it } from 'vitest';
import { type Account, changed, needsPassword, toUser } from './accounts.ts';
import { openParts } from './testing/service.ts';

const ada: Account = {
  id: 'a',
  email: 'ada@example.com',
  name: 'Ada',
  passwordHash: 'hash',
  passwordVersion: 1,
  createdAt: '2030-01-01T00:00:00.000Z',
  version: 4,
};

describe('toUser', () => {
  it('returns nothing about the password', () => {
    const { passwordHash, passwordVersion, ...told } = ada;
    expect(toUser(ada, ['member'])).toEqual({ ...told, roles: ['member'] });
  });
});

describe('needsPassword', () => {
  it('is true for a new e-mail address or password, not for a name or the same address', () => {
    const changes = [
      { password: 'new password' },
      { email: 'new@example.com' },
      { name: 'New' },
      { email: ' ADA@example.com' },
      {},
    ];
    expect(changes.map((each) => needsPassword(ada, each))).toEqual([true, true, false, false, false]);
  });
});

describe('changed', () => {
  it('changes what is given, and the version with it', () => {
    expect(changed(ada, { name: 'New' })).toEqual({ ...ada, name: 'New', version: 5 });
    expect(changed(ada, { email: ' NEW@example.com' })).toEqual({
      ...ada,
      email: 'new@example.com',
      version: 5,
    });
  });

  it('raises the password version only with a new password', () => {
    expect(changed(ada, { passwordHash: 'new' })).toEqual({
      ...ada,
      passwordHash: 'new',
      passwordVersion: 2,
      version: 5,
    });
  });
});

describe('accounts', () => {
  const input = { email: 'Ada@Example.com', password: 'correct horse', name: 'Ada' };
  const another = { ...input, email: 'bob@example.com' };
  const address = '192.0.2.1';
  const events = async ({ store }: Awaited<ReturnType<typeof openParts>>) =>
    (await store.outbox.pending(10)).map(({ type, data }) => ({ type, data }));

  it('have one event for a sign-up, although two are sent at the same time', async () => {
    const parts = await openParts();
    const tries = await Promise.allSettled([parts.accounts.signUp(input), parts.accounts.signUp(input)]);
    const made = tries.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
    expect(made).toHaveLength(1);
    expect(tries).toContainEqual({
      status: 'rejected',
      reason: expect.objectContaining({
        code: 'email_taken',
        fields: [expect.objectContaining({ field: 'body.email' })],
      }),
    });
    expect(await events(parts)).toEqual([{ type: 'user.signed_up', data: { userId: made[0]?.id } }]);
    expect(await parts.store.outbox.pending(1)).toMatchObject([{ source: 'users' }]);
  });

  it('that an earlier release stored in another spelling are found, and keep their address', async () => {
    const { accounts, sessions, store } = await openParts();
    const person = await accounts.signUp(input);
    const [former, spelled] = ['j\u030c@example.com', '\u01f0@example.com'];
    await store.accounts.replace({ next: { ...person, email: former, version: 2 }, events: [] });
    for (const email of [former, spelled, 'J\u030c@example.com', ' J\u030c@example.com ']) {
      await expect(sessions.logIn({ email, password: input.password }, address)).resolves.toBeDefined();
      await expect(accounts.signUp({ ...another, email })).rejects.toMatchObject({ code: 'email_taken' });
    }
    const other = await accounts.signUp(another);
    const proof = { currentPassword: input.password, address };
    const taken = { code: 'email_taken' };
    await expect(accounts.change(other, { email: spelled }, proof)).rejects.toMatchObject(taken);
    const own = { ...person, email: former, version: 2 };
    expect(await accounts.change(own, { email: spelled }, proof)).toMatchObject({ email: spelled });
  });

  it('are not found under an address that is the same in capital letters only', async () => {
    const { accounts, sessions } = await openParts();
    await accounts.signUp({ ...input, email: 'strasse@example.com' });
    const email = 'stra\u00dfe@example.com';
    await expect(sessions.logIn({ ...input, email }, address)).rejects.toMatchObject({ status: 401 });
    expect(await accounts.signUp({ ...input, email })).toMatchObject({ email });
  });

  it('take a new password or e-mail address only with the current password', async () => {
    const { accounts, store } = await openParts();
    const account = await accounts.signUp(input);
    for (const changes of [{ password: 'battery staple' }, { email: 'new@example.com' }]) {
      await expect(accounts.change(account, changes, { address })).rejects.toMatchObject({
        code: 'invalid_request',
        fields: [{ field: 'body.currentPassword' }],
      });
      const wrong = { currentPassword: 'battery staple', address };
      await expect(accounts.change(account, changes, wrong)).rejects.toMatchObject({
        code: 'wrong_credentials',
        fields: [{ field: 'body.currentPassword' }],
      });
    }
    expect({ ...(await store.accounts.get(account.id)) }).toEqual(account);
  });

  it('limit how often the current password can be guessed', async () => {
    const { accounts } = await openParts();
    const account = await accounts.signUp(input);
    const guess = () =>
      accounts.change(account, { password: 'battery staple' }, { currentPassword: 'guess', address });
    for (let i = 0; i < 10; i++) await expect(guess()).rejects.toMatchObject({ code: 'wrong_credentials' });
    await expect(guess()).rejects.toMatchObject({ code: 'rate_limited' });
  });

  it('take changes of a name that come at the same time one after the other', async () => {
    const { accounts, store } = await openParts();
    const account = await accounts.signUp(input);
    const names = ['One', 'Two', 'Three'];
    await Promise.all(names.map((name) => accounts.change(account, { name }, { address })));
    expect((await store.accounts.get(account.id))?.version).toBe(4);
  });

  it('take no change of a name after their deletion', async () => {
    const { accounts, before } = await openParts();
    const account = await accounts.signUp(input);
    before('accounts.replace', () => accounts.remove(account));
    await expect(accounts.change(account, { name: 'One' }, { address })).rejects.toMatchObject({
      code: 'unauthenticated',
    });
  });

  it.each([
    ['their former address back', { email: input.email }, { email: 'new@example.com' }],
    ['a new password', { password: 'of a thief' }, { password: 'battery staple' }],
    [
      'a name from a session that a new password has ended',
      { name: 'Thief' },
      { password: 'battery staple' },
    ],
  ])('do not take %s when the owner was faster', async (_what, changes, ofOwner) => {
    const { accounts, store } = await openParts();
    const account = await accounts.signUp(input);
    const proof = { currentPassword: input.password, address };
    const owned = await accounts.change(account, ofOwner, proof);
    await expect(accounts.change(account, changes, proof)).rejects.toMatchObject({
      code: 'version_mismatch',
    });
    expect(await store.accounts.get(account.id)).toEqual(owned);
  });

  it('have one event for a deletion, however often they are deleted', async () => {
    const parts = await openParts();
    const account = await parts.accounts.signUp(input);
    await parts.accounts.remove(account);
    await parts.accounts.remove(account);
    expect(await events(parts)).toEqual([
      { type: 'user.signed_up', data: { userId: account.id } },
      { type: 'user.deleted', data: { userId: account.id } },
    ]);
  });

  it('stay, with their role, if their owner is the last administrator', async () => {
    const { accounts, administrators, store } = await openParts();
    const account = await accounts.signUp(input);
    await administrators.grant(account.id);
    await expect(accounts.remove(account)).rejects.toMatchObject({ code: 'last_administrator' });
    expect(await store.accounts.get(account.id)).toBeDefined();
    expect((await administrators.list()).ids).toEqual([account.id]);
  });

  it('stay, with the role of administrator, if they change while they are deleted', async () => {
    const { accounts, administrators, store, before } = await openParts();
    const [account, other] = [await accounts.signUp(input), await accounts.signUp(another)];
    for (const { id } of [account, other]) await administrators.grant(id);
    before('accounts.remove', () => accounts.change(account, { name: 'Countess' }, { address }));
    await expect(accounts.remove(account)).rejects.toMatchObject({ code: 'version_mismatch' });
    expect(await store.accounts.get(account.id)).toBeDefined();
    expect((await administrators.list()).ids.toSorted()).toEqual([account.id, other.id].toSorted());
  });

  it('get no role from a deletion that fails', async () => {
    const { accounts, administrators, before } = await openParts();
    const account = await accounts.signUp(input);
    before('accounts.remove', () => accounts.change(account, { name: 'Countess' }, { address }));
    await expect(accounts.remove(account)).rejects.toMatchObject({ code: 'version_mismatch' });
    expect((await administrators.list()).ids).toEqual([]);
  });

  it('are deleted with their role by two deletions at the same time', async () => {
    const parts = await openParts();
    const { accounts, administrators, before } = parts;
    const [account, other] = [await accounts.signUp(input), await accounts.signUp(another)];
    for (const { id } of [account, other]) await administrators.grant(id);
    before('accounts.remove', () => accounts.remove(account));
    await accounts.remove(account);
    expect((await administrators.list()).ids).toEqual([other.id]);
    expect((await events(parts)).filter(({ type }) => type === 'user.deleted')).toHaveLength(1);
  });
});
