import { randomUUID } from 'node:crypto';
import type { DomainEvent } from '@slipway/contract-kit/event';
import { problem } from '@slipway/contracts/errors';
import type { EventData } from '@slipway/contracts/events';
import type { User } from '@slipway/contracts/users';
import type { Position } from '@slipway/platform/core/pagination';
import { type Aggregate, type AggregateStore, update } from '@slipway/platform/events/aggregates';
import { newEvent } from '@slipway/platform/events/new-event';
import type { Counts } from './counts.ts';
import { formerSpellingsOf, normalizeEmail } from './email-address.ts';
import type { PasswordCheck } from './login-limit.ts';
import type { Passwords } from './passwords.ts';

export type Account = Aggregate & {
  /** As returned by `normalizeEmail`; unique over all accounts. */
  email: string;
  name: string;
  passwordHash: string;
  /** Increases with each new password. A session with another version has ended. */
  passwordVersion: number;
  createdAt: string;
};

/** Stores accounts. Writing an e-mail address that another account has throws `emailTaken`. */
export type AccountStore = AggregateStore<Account> & {
  byEmail(email: string): Promise<Account | undefined>;
  /** Returns accounts in the order of sign-up time, then id. */
  list(limit: number, after?: Position): Promise<Account[]>;
};

export type NewAccount = { email: string; password: string; name: string };
export type AccountChanges = { name?: string; email?: string; password?: string };

/** Finds the account of an e-mail address, also if an earlier release stored it in another spelling. */
export async function findByEmail(
  store: Pick<AccountStore, 'byEmail'>,
  typed: string,
): Promise<Account | undefined> {
  return (await store.byEmail(normalizeEmail(typed))) ?? findByFormerSpelling(store, typed);
}

async function findByFormerSpelling(
  store: Pick<AccountStore, 'byEmail'>,
  typed: string,
): Promise<Account | undefined> {
  for (const spelling of formerSpellingsOf(typed)) {
    const account = await store.byEmail(spelling);
    if (account) return account;
  }
  return undefined;
}

/** Throws the problem of a person whose account was deleted before the token expired. */
export function accountDeleted(): never {
  throw problem('unauthenticated', 'The account was deleted');
}

/** Returns an account as clients see it. */
export function toUser({ id, email, name, createdAt, version }: Account, roles: User['roles']): User {
  return { id, email, name, roles, createdAt, version };
}

/** Returns whether changes require the current password: a thief would change these fields first. */
export function needsPassword(account: Account, { email, password }: AccountChanges): boolean {
  return password !== undefined || (email !== undefined && normalizeEmail(email) !== account.email);
}

/** Returns the next version of an account. A new password is given as its hash. */
export function changed(
  account: Account,
  { name, email, passwordHash }: { name?: string; email?: string; passwordHash?: string },
): Account {
  return {
    ...account,
    name: name ?? account.name,
    email: email === undefined ? account.email : normalizeEmail(email),
    passwordHash: passwordHash ?? account.passwordHash,
    passwordVersion: account.passwordVersion + (passwordHash === undefined ? 0 : 1),
    version: account.version + 1,
  };
}

/** The current password, and the client's address, by which wrong passwords are limited. */
type Proof = { currentPassword?: string; address: string };

type ChangeOptions = Proof & {
  /** Called with each version that is to be changed. @throws {Problem} version_mismatch if the change is meant for another */
  checkVersion?: (present: Account) => void;
};

export type Accounts = ReturnType<typeof createAccounts>;

type Parts = {
  store: { accounts: AccountStore };
  passwords: Passwords;
  checkPassword: PasswordCheck;
  /** Revokes and restores the role of an administrator who leaves. @throws {Problem} last_administrator */
  administrators: { revoke(id: string): Promise<boolean>; grant(id: string): Promise<void> };
  counts: Pick<Counts, 'signUps'>;
};

/** Creates the operations on accounts. */
export function createAccounts({ store, passwords, checkPassword, administrators, counts }: Parts) {
  return {
    /** @throws {Problem} email_taken, overloaded */
    async signUp({ email, password, name }: NewAccount): Promise<Account> {
      await checkFree(email);
      const next: Account = {
        id: randomUUID(),
        email: normalizeEmail(email),
        name,
        passwordHash: await passwords.hash(password),
        passwordVersion: 1,
        createdAt: new Date().toISOString(),
        version: 1,
      };
      // The result needs no check: the id is random, so only an earlier attempt of this write can have stored it.
      await store.accounts.add({ next, events: [accountEvent('user.signed_up', next)] });
      counts.signUps.inc();
      return next;
    },

    /**
     * Changes an account. If another change is faster, this one is made to the next version, unless that takes the password:
     * it was proven for the version that was read.
     *
     * @throws {Problem} invalid_request without the current password where it is needed, wrong_credentials,
     *   rate_limited, overloaded, email_taken, version_mismatch; unauthenticated if the account was deleted meanwhile
     */
    async change(account: Account, changes: AccountChanges, options: ChangeOptions): Promise<Account> {
      options.checkVersion?.(account);
      if (needsPassword(account, changes)) await prove(account, options);
      const { name, email, password } = changes;
      if (email !== undefined) await checkFree(email, account.id);
      const passwordHash = password === undefined ? undefined : await passwords.hash(password);
      const rule = (present: Account) => {
        options.checkVersion?.(present);
        // A faster change may have ended this session by a new password, or made this one need the password.
        const isStale =
          present.passwordVersion !== account.passwordVersion || needsPassword(present, changes);
        if (present.version !== account.version && isStale) throw problem('version_mismatch');
        return { next: changed(present, { name, email, passwordHash }), events: [] };
      };
      return update(store.accounts, account.id, rule, { ifMissing: accountDeleted });
    },

    /**
     * Checks the password of the person who deletes an account, so that a stolen token is not enough.
     *
     * @throws {Problem} wrong_credentials, rate_limited, overloaded
     */
    prove,

    /**
     * Deletes an account that has the version that was read; does nothing if it is already deleted. Its sessions end
     * with it: a refresh finds no account.
     *
     * @throws {Problem} last_administrator, version_mismatch
     */
    async remove(account: Account): Promise<void> {
      const { id, version } = account;
      // The role goes first: a crash in between leaves an account without its role, and the deletion can be repeated.
      const hadRole = await administrators.revoke(id);
      const events = [accountEvent('user.deleted', account)];
      if (await store.accounts.remove(id, { version, events })) return;
      if (!(await store.accounts.get(id))) return;
      if (hadRole) await administrators.grant(id);
      throw problem('version_mismatch');
    },
  };

  /** Rejects an address that an account has in a former spelling: the store compares only current spellings. */
  async function checkFree(email: string, owner?: string): Promise<void> {
    const found = await findByFormerSpelling(store.accounts, email);
    if (found && found.id !== owner) throw emailTaken();
  }

  async function prove(account: Account, { currentPassword, address }: Proof): Promise<void> {
    if (currentPassword === undefined) {
      const message = 'is needed to change the e-mail address or the password';
      throw problem('invalid_request', `body.currentPassword ${message}`, {
        fields: [{ field: 'body.currentPassword', message }],
      });
    }
    if (await checkPassword(account, account.email, currentPassword, address)) return;
    throw problem('wrong_credentials', 'The current password is wrong', {
      fields: [{ field: 'body.currentPassword', message: 'is wrong' }],
    });
  }
}

/** Creates the error that the store throws for an e-mail address that another account has. */
export function emailTaken() {
  return problem('email_taken', undefined, {
    fields: [{ field: 'body.email', message: 'belongs to another account' }],
  });
}

/** Creates an event. Its id consists of type and account, because each type happens to an account only once. */
function accountEvent(type: 'user.signed_up' | 'user.deleted', { id }: Account): DomainEvent {
  const data: EventData<typeof type> = { userId: id };
  return newEvent('users', type, data, `${type}:${id}`);
}
