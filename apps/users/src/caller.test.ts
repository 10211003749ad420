import { describe, expect, it } from 'vitest';
import { readAccess } from './caller.ts';
import { openParts } from './testing/service.ts';

describe('the access of a person', () => {
  it('is that of their account and their role now, and none after their account is deleted', async () => {
    const { store, accounts, administrators } = await openParts();
    const input = { email: 'ada@example.com', password: 'correct horse', name: 'Ada' };
    const account = await accounts.signUp(input);
    expect(await readAccess(store, account.id)).toEqual({ account, roles: ['member'] });
    await administrators.grant(account.id);
    expect(await readAccess(store, account.id)).toEqual({ account, roles: ['member', 'admin'] });
    await store.accounts.remove(account.id);
    expect(await readAccess(store, account.id)).toEqual({ account: undefined, roles: [] });
  });
});
