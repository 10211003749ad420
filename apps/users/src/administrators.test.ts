import { describe, expect, it } from 'vitest';
import { rolesOf } from './administrators.ts';
import { makeFirstAdministrator } from './first-administrator.ts';
import { openParts } from './testing/service.ts';

describe('rolesOf', () => {
  it('makes everyone a member, and those on the list administrators', () => {
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
  it('come and go, each as often as asked', async () => {
    const { administrators, ada, bob } = await withPeople();
    for (const { id } of [ada, bob, bob]) await administrators.grant(id);
    expect((await administrators.list()).ids).toEqual([ada.id, bob.id]);
    for (const { id } of [ada, ada]) await administrators.revoke(id);
    expect((await administrators.list()).ids).toEqual([bob.id]);
  });

  it('all get their role, though it is given to several at once', async () => {
    const { administrators, ada, bob } = await withPeople();
    await Promise.all([ada, bob].map(({ id }) => administrators.grant(id)));
    expect((await administrators.list()).ids.toSorted()).toEqual([ada.id, bob.id].toSorted());
  });

  it('are never nobody, though two remove each other at once', async () => {
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

  it('may leave while there is another, and stay until they do', async () => {
    const { administrators, ada, bob } = await withPeople();
    await administrators.grant(ada.id);
    await expect(administrators.checkRevoke(ada.id)).rejects.toMatchObject({ code: 'last_administrator' });
    await expect(administrators.checkRevoke(bob.id)).resolves.toBeUndefined();
    await administrators.grant(bob.id);
    await expect(administrators.checkRevoke(ada.id)).resolves.toBeUndefined();
    expect((await administrators.list()).ids).toEqual([ada.id, bob.id]);
  });

  it('do not count when their account is gone', async () => {
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

  it('is made once, by whichever replica starts first', async () => {
    const parts = await openParts();
    const made = await Promise.all(
      Array.from({ length: 3 }, () => makeFirstAdministrator(parts, credentials)),
    );
    expect(made).toEqual([true, true, true]);
    const [account, ...others] = await parts.store.accounts.list(10);
    expect(others).toEqual([]);
    expect((await parts.administrators.list()).ids).toEqual([account?.id]);
  });

  it('is finished by the next start after a crash in between', async () => {
    const parts = await openParts();
    const account = await parts.accounts.signUp({ ...credentials, name: 'Administrator' });
    expect(await makeFirstAdministrator(parts, credentials)).toBe(true);
    expect((await parts.administrators.list()).ids).toEqual([account.id]);
  });

  it('is never a stranger who signed up with the e-mail address', async () => {
    const parts = await openParts();
    await parts.accounts.signUp({ ...credentials, password: 'of a stranger', name: 'Stranger' });
    expect(await makeFirstAdministrator(parts, credentials)).toBe(false);
    expect((await parts.administrators.list()).ids).toEqual([]);
  });

  it('is not made while there is another', async () => {
    const { ada, ...parts } = await withPeople();
    await parts.administrators.grant(ada.id);
    expect(await makeFirstAdministrator(parts, { ...credentials, email: 'bob@example.com' })).toBe(true);
    expect((await parts.administrators.list()).ids).toEqual([ada.id]);
  });
});
