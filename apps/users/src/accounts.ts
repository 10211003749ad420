import { randomUUID } from 'node:crypto';
import type { DomainEvent } from '@slipway/contract-kit/event';
import { problem } from '@slipway/contracts/errors';
import type { EventData } from '@slipway/contracts/events';
import type { User } from '@slipway/contracts/users';
import type { Position } from '@slipway/platform/core/pagination';
import { newEvent } from '@slipway/platform/events/new-event';
import type { Counts } from './counts.ts';
import type { PasswordCheck } from './login-limit.ts';
import type { Passwords } from './passwords.ts';

export type Account = {
  id: string;
  /** As `normalizeEmail` writes it; no two accounts have the same. */
  email: string;
  name: string;
  passwordHash: string;
  /** Grows with each new password. A session that began with another one is over. */
  passwordVersion: number;
  createdAt: string;
  /** Grows with each change; what a change is based on. */
  version: number;
};

/** Where accounts are kept. Each write is one atomic step. */
export type AccountStore = {
  /** Writes a new account together with its events. */
  createAccount(account: Account, events: DomainEvent[]): Promise<'created' | 'email_taken'>;
  accountById(id: string): Promise<Account | undefined>;
  accountByEmail(email: string): Promise<Account | undefined>;
  /** Writes an account over the one with the same id, if that still has the version `seen`. */
  replaceAccount(account: Account, seen: number): Promise<'replaced' | 'email_taken' | 'version_mismatch'>;
  /** Removes an account together with writing its events, if it still has the version `seen`. */
  removeAccount(id: string, seen: number, events: DomainEvent[]): Promise<'removed' | 'version_mismatch'>;
  /** Accounts by time of sign-up, then id. */
  listAccounts(limit: number, after?: Position): Promise<Account[]>;
};

export type NewAccount = { email: string; password: string; name: string };
export type AccountChanges = { name?: string; email?: string; password?: string };

/**
 * The one spelling of an e-mail address under which its account is found. RFC 5321 lets the part before the
 * `@` depend on case, but no provider of today does, and people type it either way.
 */
export function normalizeEmail(email: string): string {
  return email.trim().normalize('NFC').toLowerCase();
}

/** An account as it is told to callers. */
export function toUser({ id, email, name, createdAt, version }: Account, roles: User['roles']): User {
  return { id, email, name, roles, createdAt, version };
}

/** Whether changes touch what a thief would change first, and so need the present password. */
export function needsPassword(account: Account, { email, password }: AccountChanges): boolean {
  return password !== undefined || (email !== undefined && normalizeEmail(email) !== account.email);
}

/** An account after changes. A new password comes as its hash. */
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

export type Accounts = ReturnType<typeof createAccounts>;

type Parts = {
  store: AccountStore;
  passwords: Passwords;
  checkPassword: PasswordCheck;
  /** Take the role from an administrator who leaves, and give it back. @throws {Problem} last_administrator */
  administrators: { revoke(id: string): Promise<boolean>; grant(id: string): Promise<void> };
  counts: Pick<Counts, 'signUps'>;
};

/** What can be done with accounts. */
export function createAccounts({ store, passwords, checkPassword, administrators, counts }: Parts) {
  return {
    /** @throws {Problem} email_taken */
    async signUp({ email, password, name }: NewAccount): Promise<Account> {
      const account: Account = {
        id: randomUUID(),
        email: normalizeEmail(email),
        name,
        passwordHash: await passwords.hash(password),
        passwordVersion: 1,
        createdAt: new Date().toISOString(),
        version: 1,
      };
      const outcome = await store.createAccount(account, [accountEvent('user.signed_up', account)]);
      if (outcome === 'email_taken') throw emailTaken();
      counts.signUps.inc();
      return account;
    },

    /**
     * Changes an account as it was read.
     *
     * @param proof the present password and the address of the caller, which limits wrong ones
     * @throws {Problem} invalid_request without the present password where it is needed, wrong_credentials,
     *   rate_limited, email_taken, version_mismatch
     */
    async change(
      account: Account,
      changes: AccountChanges,
      proof: { currentPassword?: string; address: string },
    ): Promise<Account> {
      if (needsPassword(account, changes)) await prove(account, proof);
      const { name, email, password } = changes;
      const passwordHash = password === undefined ? undefined : await passwords.hash(password);
      const next = changed(account, { name, email, passwordHash });
      const outcome = await store.replaceAccount(next, account.version);
      if (outcome === 'email_taken') throw emailTaken();
      if (outcome === 'version_mismatch') throw problem('version_mismatch');
      return next;
    },

    /**
     * Deletes an account as it was read, if it is still there. Its sessions end with it: a refresh finds no
     * account.
     *
     * @throws {Problem} last_administrator, version_mismatch
     */
    async remove(account: Account): Promise<void> {
      // First the role: a crash in between leaves an account that can be deleted again, never a role
      // without an account.
      const hadRole = await administrators.revoke(account.id);
      const events = [accountEvent('user.deleted', account)];
      const outcome = await store.removeAccount(account.id, account.version, events);
      if (outcome === 'removed' || !(await store.accountById(account.id))) return;
      if (hadRole) await administrators.grant(account.id);
      throw problem('version_mismatch');
    },
  };

  async function prove(account: Account, proof: { currentPassword?: string; address: string }) {
    const { currentPassword, address } = proof;
    if (currentPassword === undefined) {
      const message = 'is needed to change the e-mail address or the password';
      throw problem('invalid_request', `body.currentPassword ${message}`, {
        fields: [{ field: 'body.currentPassword', message }],
      });
    }
    if (await checkPassword(account, account.email, currentPassword, address)) return;
    throw problem('wrong_credentials', 'The present password is wrong', {
      fields: [{ field: 'body.currentPassword', message: 'is wrong' }],
    });
  }
}

function emailTaken() {
  return problem('email_taken', undefined, {
    fields: [{ field: 'body.email', message: 'belongs to another account' }],
  });
}

/** Its id is made of what happened, which happens to an account once. */
function accountEvent(type: 'user.signed_up' | 'user.deleted', { id }: Account): DomainEvent {
  const data: EventData<typeof type> = { userId: id };
  return newEvent('users', type, data, `${type}:${id}`);
}
