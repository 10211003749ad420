import { Problem } from '@slipway/contract-kit/problem';
import { type Account, type AccountStore, type Accounts, normalizeEmail } from './accounts.ts';
import type { Administrators } from './administrators.ts';
import type { Passwords } from './passwords.ts';

type Parts = {
  store: Pick<AccountStore, 'accountByEmail'>;
  accounts: Accounts;
  administrators: Administrators;
  passwords: Passwords;
};

/**
 * Makes the first administrator. Does nothing once there is one, so that every replica does it at every start.
 *
 * @returns whether there is an administrator now; not if the e-mail address is that of a stranger, who signed
 *   up with another password
 */
export async function makeFirstAdministrator(
  { store, accounts, administrators, passwords }: Parts,
  credentials: { email: string; password: string },
): Promise<boolean> {
  if (await administrators.exist()) return true;
  const account = (await signUp()) ?? (await existing());
  if (account) await administrators.grant(account.id);
  return account !== undefined;

  async function signUp(): Promise<Account | undefined> {
    try {
      return await accounts.signUp({ ...credentials, name: 'Administrator' });
    } catch (error) {
      if (error instanceof Problem && error.code === 'email_taken') return undefined;
      throw error;
    }
  }

  /** Made by another replica at this moment, or by a start that crashed before it gave the role. */
  async function existing(): Promise<Account | undefined> {
    const account = await store.accountByEmail(normalizeEmail(credentials.email));
    const isTheirs = await passwords.verify(credentials.password, account?.passwordHash);
    return isTheirs ? account : undefined;
  }
}
