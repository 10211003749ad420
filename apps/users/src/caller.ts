import type { User } from '@slipway/contracts/users';
import type { Principal } from '@slipway/platform/http/tokens';
import type { Account, AccountStore } from './accounts.ts';
import { type AdministratorStore, readAdministrators, rolesOf } from './administrators.ts';

/** The person who sends a request, with their account as it was when their token was verified. */
export type Caller = Principal & CurrentAccess;

type CurrentAccess = { roles: User['roles']; account: Account | undefined };

type Parts = { accounts: Pick<AccountStore, 'get'>; administrators: Pick<AdministratorStore, 'get'> };

/**
 * Reads a person's account and current roles. So a deleted account and a revoked role lose their access here
 * immediately; in other services only when the token expires.
 */
export async function readAccess(store: Parts, subject: string): Promise<CurrentAccess> {
  const [account, list] = await Promise.all([
    store.accounts.get(subject),
    readAdministrators(store.administrators),
  ]);
  return { account, roles: account ? rolesOf(subject, list) : [] };
}
