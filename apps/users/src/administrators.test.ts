import { problem } from '@slipway/contracts/errors';
import { describe, expect, it } from 'vitest';
import { rolesOf } from './administrators.ts';
import { makeFirstAdministrator } from './first-administrator.ts';
import { openParts } from './testing/service.ts';

describe('rolesOf', () => {
  it('returns `member` for everyone, and `admin` for those on the list', () => {
    const list = { ids: ['a'], version: 1 };
    expect([rolesOf('a', list), rolesOf('b', list)]).toEqual([['member', 'admin'], ['member']]);
  });
});

async function withPeople() {
  const parts = await openParts();
  const signUp = (name: string) =>
    parts.accounts.signUp({ email: `${name}@example.com`, password: 'correct horse', name });
  const [ada, bob] = [await signUp('ada'), await signUp('bob')];
  return { ...parts, ada, bob };
}

describe('administrators', () => {
  it('are added and removed, and repetitions change nothing', async () => {
    const { administrators, ada, bob } = await withPeople();
    for (const { id } of [ada, bob, bob]) await administrators.grant(id);
    expect((await administrators.list()).ids).toEqual([ada.id, bob.id]);
    for (const { id } of [ada, ada]) await administrators.revoke(id);
    expect((await administrators.list()).ids).toEqual([bob.id]);
  });

  it('all get their role when several get it at the same time', async () => {
    const { administrators, ada, bob } = await withPeople();
    await Promise.all([ada, bob].map(({ id }) => administrators.grant(id)));
    expect((await administrators.list()).ids.toSorted()).toEqual([ada.id, bob.id].toSorted());
  });

  it('always include one, although two remove each other at the same time', async () => {
    const { administrators, ada, bob } = await withPeople();
    for (const { id } of [ada, bob]) await administrators.grant(id);
    const tries = await Promise.allSettled([administrators.revoke(ada.id), administrators.revoke(bob.id)]);
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(tries).toContainEqual({
      status: 'rejected',
      reason: expect.objectContaining({ code: 'last_administrator' }),
    });
    expect((await administrators.list()).ids).toHaveLength(1);
  });

  it('may give up the role while there is another administrator, and have it until they do', async () => {
    const { administrators, ada, bob } = await withPeople();
    await administrators.grant(ada.id);
    await expect(administrators.checkRevoke(ada.id)).rejects.toMatchObject({ code: 'last_administrator' });
    await expect(administrators.checkRevoke(bob.id)).resolves.toBeUndefined();
    await administrators.grant(bob.id);
    await expect(administrators.checkRevoke(ada.id)).resolves.toBeUndefined();
    expect((await administrators.list()).ids).toEqual([ada.id, bob.id]);
  });

  it('do not count without an account', async () => {
    const { administrators, ada } = await withPeople();
    await administrators.grant('gone');
    expect(await administrators.exist()).toBe(false);
    await administrators.grant(ada.id);
    await expect(administrators.revoke(ada.id)).rejects.toMatchObject({ code: 'last_administrator' });
    expect(await administrators.exist()).toBe(true);
  });
});

describe('the first administrator', () => {
  const credentials = { email: 'Ada@example.com', password: 'correct horse' };

  it('is created once, by the replica that starts first', async () => {
    const parts = await openParts();
    const made = await Promise.all(
      Array.from({ length: 3 }, () => makeFirstAdministrator(parts, credentials)),
    );
    expect(made).toEqual([true, true, true]);
    const [account, ...others] = await parts.store.accounts.list(10);
    expect(others).toEqual([]);
    expect((await parts.administrators.list()).ids).toEqual([account?.id]);
  });

  it('is completed by the next start after a crash', async () => {
    const parts = await openParts();
    const account = await parts.accounts.signUp({ ...credentials, name: 'Administrator' });
    expect(await makeFirstAdministrator(parts, credentials)).toBe(true);
    expect((await parts.administrators.list()).ids).toEqual([account.id]);
  });

  it('is never a stranger who signed up with that e-mail address', async () => {
    const parts = await openParts();
    await parts.accounts.signUp({ ...credentials, password: 'of a stranger', name: 'Stranger' });
    expect(await makeFirstAdministrator(parts, credentials)).toBe(false);
    expect((await parts.administrators.list()).ids).toEqual([]);
  });

  it('is not created while the store fails, and the start fails, too', async () => {
    const parts = await openParts();
    parts.before('accounts.add', () => Promise.reject(problem('unavailable')));
    await expect(makeFirstAdministrator(parts, credentials)).rejects.toMatchObject({ code: 'unavailable' });
    parts.before('accounts.add', () => Promise.reject(new TypeError('a bug')));
    await expect(makeFirstAdministrator(parts, credentials)).rejects.toThrow('a bug');
  });

  it('does not exist if the account with that e-mail address is deleted during the start', async () => {
    const parts = await openParts();
    parts.before('accounts.add', () => Promise.reject(problem('email_taken')));
    expect(await makeFirstAdministrator(parts, credentials)).toBe(false);
  });

  it('is not created while there is another', async () => {
    const { ada, ...parts } = await withPeople();
    await parts.administrators.grant(ada.id);
    expect(await makeFirstAdministrator(parts, { ...credentials, email: 'bob@example.com' })).toBe(true);
    expect((await parts.administrators.list()).ids).toEqual([ada.id]);
  });
});
