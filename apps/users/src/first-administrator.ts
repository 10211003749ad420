import { Problem } from '@slipway/contract-kit/problem';
import { type Account, type AccountStore, type Accounts, findByEmail } from './accounts.ts';
import type { Administrators } from './administrators.ts';
import type { Passwords } from './passwords.ts';

type Parts = {
  store: { accounts: Pick<AccountStore, 'byEmail'> };
  accounts: Accounts;
  administrators: Administrators;
  passwords: Passwords;
};

/**
 * Creates the first administrator. Does nothing if there is one, so every replica may call it at every start.
 *
 * @returns whether there is an administrator now; `false` if the e-mail address belongs to another person, who signed
 *   up with a different password
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

  /** Returns the existing account if it has this password: another replica, or a start that crashed, created it. */
  async function existing(): Promise<Account | undefined> {
    const account = await findByEmail(store.accounts, credentials.email);
    const isTheirs = await passwords.verify(credentials.password, account?.passwordHash);
    return isTheirs ? account : undefined;
  }
}
