import { hash, randomBytes, randomUUID } from 'node:crypto';
import { problem } from '@slipway/contracts/errors';
import type { Tokens } from '@slipway/contracts/users';
import {
  type Aggregate,
  type AggregateStore,
  type Change,
  update,
} from '@slipway/platform/events/aggregates';
import type { Logger } from '@slipway/platform/telemetry/log';
import { type Account, type AccountStore, normalizeEmail } from './accounts.ts';
import { type AdministratorStore, readAdministrators, rolesOf } from './administrators.ts';
import { type Counts, signInOutcome } from './counts.ts';
import type { PasswordCheck } from './login-limit.ts';
import type { Passwords } from './passwords.ts';
import { type SigningKeys, tokenLifetime } from './signing-keys.ts';

/** A login and the refresh token that continues it. Times are milliseconds since the epoch. */
export type Session = Aggregate & {
  accountId: string;
  /** The password that the session began with, see `Account`. */
  passwordVersion: number;
  /** SHA-256 of the refresh token: 256 random bits need no slow hash. */
  tokenHash: string;
  /** When the token was written; while that write is in progress, the latest time at which it can end. */
  refreshedAt: number;
  expiresAt: number;
};

/** Stores sessions. Expired sessions may be deleted at any time. */
export type SessionStore = AggregateStore<Session>;

/** A session ends when it has not been refreshed for this time (RFC 9700 section 4.14.2); milliseconds. */
export const idleLifetime = 30 * 24 * 3_600_000;
/** Milliseconds after which a store cancels a write. */
export const longestWrite = 2_000;

/** Creates a refresh token: the id of its session, and a secret that only this token has. */
export function newRefreshToken(sessionId: string): { token: string; tokenHash: string } {
  const token = `${sessionId}.${randomBytes(32).toString('base64url')}`;
  return { token, tokenHash: hashOf(token) };
}

function hashOf(token: string): string {
  return hash('sha256', token, 'base64url');
}

function sessionIdIn(token: string): string {
  return token.split('.', 1)[0] ?? '';
}

/**
 * Compares the token of a refresh with its session:
 * - `current`: it continues the session;
 * - `overtaken`: it was current when the request was received, but another request with it was faster. A client that
 *   sends two requests at the same time causes this, so the session continues;
 * - `reused`: it was used before the request was sent, so two parties have it, and one of them is a thief;
 * - `expired`: the session has ended.
 *
 * @param receivedAt when the request with the token was received; milliseconds since the epoch
 */
export function standingOf(
  token: string,
  { tokenHash, refreshedAt, expiresAt }: Pick<Session, 'tokenHash' | 'refreshedAt' | 'expiresAt'>,
  receivedAt: number,
) {
  if (expiresAt <= receivedAt) return 'expired';
  if (hashOf(token) === tokenHash) return 'current';
  return receivedAt <= refreshedAt ? 'overtaken' : 'reused';
}

export type Sessions = ReturnType<typeof createSessions>;

type Parts = {
  store: {
    sessions: SessionStore;
    administrators: Pick<AdministratorStore, 'get'>;
    accounts: Pick<AccountStore, 'get' | 'byEmail' | 'replace'>;
  };
  passwords: Passwords;
  checkPassword: PasswordCheck;
  keys: SigningKeys;
  log: Pick<Logger, 'warn'>;
  counts: Pick<Counts, 'signIns'>;
  /** Milliseconds since the epoch. */
  clock?: () => number;
};

/** Creates the operations on sessions, from login to logout. */
export function createSessions(parts: Parts) {
  const { store, passwords, checkPassword, keys, log, counts, clock = Date.now } = parts;

  return {
    /**
     * Starts a session. The errors for an unknown account and a wrong password are the same.
     *
     * @param address the client's address, by which wrong passwords are limited
     * @throws {Problem} wrong_credentials, rate_limited, overloaded
     */
    async logIn(credentials: { email: string; password: string }, address: string): Promise<Tokens> {
      try {
        const tokens = await start(await authenticate(credentials, address));
        counts.signIns.succeeded.inc();
        return tokens;
      } catch (error) {
        counts.signIns[signInOutcome(error)].inc();
        throw error;
      }
    },

    /**
     * Exchanges a refresh token for new tokens. Of several requests with the same token, one gets them.
     *
     * @param receivedAt when the request was received; milliseconds since the epoch
     * @throws {Problem} refresh_token_invalid, overloaded
     */
    async refresh(token: string, receivedAt: number): Promise<Tokens> {
      let refreshToken = '';
      let wasCurrent = false;
      const renew = async (session: Session) => {
        const standing = standingOf(token, session, receivedAt);
        // Not if the token was current when this request read it first: then another request has overtaken it.
        if (standing === 'reused' && !wasCurrent) await endStolen(session);
        wasCurrent ||= standing === 'current';
        // A session with an older password is not removed, because the password change may be about to let it continue.
        if (standing !== 'current' || !(await hasAccount(session))) throw problem('refresh_token_invalid');
        const { token: nextToken, tokenHash } = newRefreshToken(session.id);
        refreshToken = nextToken;
        return { next: renewed(session, tokenHash, clock()), events: [] };
      };
      const session = await update(store.sessions, sessionIdIn(token), renew, { ifMissing: noSession });
      await settle(session);
      return tokensFor(session.accountId, session.id, refreshToken);
    },

    /** Ends the session of a refresh token; does nothing if it has ended. */
    async logOut(token: string): Promise<void> {
      await store.sessions.remove(sessionIdIn(token));
    },

    /** Lets one session continue after a password change of its account, which ends all others. */
    async keep(id: string, account: Account): Promise<void> {
      await update(store.sessions, id, (session) => kept(session, account), { ifMissing: () => undefined });
    },
  };

  async function authenticate(
    { email: typed, password }: { email: string; password: string },
    address: string,
  ): Promise<Account> {
    const email = normalizeEmail(typed);
    const account = await store.accounts.byEmail(email);
    const isRight = await checkPassword(account, email, password, address);
    if (!account || !isRight) throw problem('wrong_credentials');
    if (passwords.isOutdated(account.passwordHash)) await rehash(account, password);
    return account;
  }

  async function start(account: Account): Promise<Tokens> {
    const id = randomUUID();
    const { token, tokenHash } = newRefreshToken(id);
    const now = clock();
    const { id: accountId, passwordVersion } = account;
    const times = { refreshedAt: now, expiresAt: now + idleLifetime };
    const next = { id, accountId, passwordVersion, tokenHash, ...times, version: 1 };
    await store.sessions.add({ next, events: [] });
    return tokensFor(account.id, id, token);
  }

  async function endStolen({ id, accountId }: Session): Promise<void> {
    await store.sessions.remove(id);
    log.warn({ userId: accountId }, 'refresh token reused');
  }

  /**
   * Stores the time at which the new token was written. If that fails, reuse is detected a little later, but the token
   * is valid.
   */
  async function settle(session: Session): Promise<void> {
    const next = { ...session, refreshedAt: clock(), version: session.version + 1 };
    await store.sessions.replace({ next, events: [] }).catch(() => undefined);
  }

  /** Whether the account of a session exists and still has the password that the session began with. */
  async function hasAccount({ accountId, passwordVersion }: Session): Promise<boolean> {
    const account = await store.accounts.get(accountId);
    return account?.passwordVersion === passwordVersion;
  }

  async function tokensFor(accountId: string, sid: string, refreshToken: string): Promise<Tokens> {
    const roles = rolesOf(accountId, await readAdministrators(store.administrators));
    const accessToken = await keys.sign(accountId, { roles, sid });
    return { accessToken, refreshToken, tokenType: 'Bearer', expiresIn: tokenLifetime };
  }

  /**
   * Hashes a password again at the current cost. If the account is changed at the same time, the next login does it.
   */
  async function rehash(account: Account, password: string): Promise<void> {
    const passwordHash = await passwords.hash(password);
    const next = { ...account, passwordHash, version: account.version + 1 };
    await store.accounts.replace({ next, events: [] });
  }
}

/** Raises the password version of a session, if it belongs to the account. */
export function kept(
  session: Session,
  { id, passwordVersion }: Pick<Account, 'id' | 'passwordVersion'>,
): Change<Session> | undefined {
  if (session.accountId !== id || session.passwordVersion >= passwordVersion) return undefined;
  return { next: { ...session, passwordVersion, version: session.version + 1 }, events: [] };
}

function renewed(session: Session, tokenHash: string, now: number): Session {
  const times = { refreshedAt: now + longestWrite, expiresAt: now + idleLifetime };
  return { ...session, tokenHash, ...times, version: session.version + 1 };
}

function noSession(): never {
  throw problem('refresh_token_invalid');
}
