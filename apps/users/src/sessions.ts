import { hash, randomBytes, randomUUID } from 'node:crypto';
import { problem } from '@slipway/contracts/errors';
import type { Tokens } from '@slipway/contracts/users';
import type { Logger } from '@slipway/platform/telemetry/log';
import { type Account, type AccountStore, normalizeEmail } from './accounts.ts';
import { type AdministratorStore, rolesOf } from './administrators.ts';
import { type Counts, signInOutcome } from './counts.ts';
import type { PasswordCheck } from './login-limit.ts';
import type { Passwords } from './passwords.ts';
import { type SigningKeys, tokenLifetime } from './signing-keys.ts';

/** A login and the one refresh token that continues it now. Times are milliseconds since the epoch. */
export type Session = {
  id: string;
  accountId: string;
  /** The password it began with, see `Account`. */
  passwordVersion: number;
  /** SHA-256 of the refresh token: 256 random bits need no slow hash. */
  tokenHash: string;
  /** When its token was written; while that is under way, the latest time at which it can be. */
  refreshedAt: number;
  expiresAt: number;
};

/** Where sessions are kept. Whatever has expired may be forgotten at any time. */
export type SessionStore = {
  createSession(session: Session): Promise<void>;
  sessionById(id: string): Promise<Session | undefined>;
  /** Writes the token and the times of a session in one atomic step, if it has the token `seen`. */
  replaceSession(session: Session, seen: string): Promise<boolean>;
  /** Raises the password version of a session in one atomic step, if it is of the account. */
  keepSession(session: Pick<Session, 'id' | 'accountId' | 'passwordVersion'>): Promise<void>;
  removeSession(id: string): Promise<void>;
};

/** A session ends when it was not refreshed for so long (RFC 9700 section 4.14.2); milliseconds. */
export const idleLifetime = 30 * 24 * 3_600_000;
/** Milliseconds after which a store gives up a write. */
export const longestWrite = 2_000;

/** A refresh token: the id of its session, and a secret that only this token has. */
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
 * What the token of a refresh is, to its session:
 * - `current`: the one that continues it;
 * - `overtaken`: it was, when the request arrived; another request with it was faster. One client that asks
 *   twice at once does this, so the session goes on;
 * - `reused`: it had been used before the request was sent. Two parties hold it, one of them a thief;
 * - `expired`: the session is over.
 *
 * @param arrivedAt when the request that presents the token arrived; milliseconds since the epoch
 */
export function standingOf(token: string, session: Session, arrivedAt: number) {
  if (session.expiresAt <= arrivedAt) return 'expired';
  if (hashOf(token) === session.tokenHash) return 'current';
  return arrivedAt <= session.refreshedAt ? 'overtaken' : 'reused';
}

export type Sessions = ReturnType<typeof createSessions>;

type Parts = {
  store: SessionStore &
    AdministratorStore &
    Pick<AccountStore, 'accountById' | 'accountByEmail' | 'replaceAccount'>;
  passwords: Passwords;
  checkPassword: PasswordCheck;
  keys: SigningKeys;
  log: Pick<Logger, 'warn'>;
  counts: Pick<Counts, 'signIns'>;
  /** Milliseconds since the epoch. */
  clock?: () => number;
};

/** Sessions from login to logout. */
export function createSessions(parts: Parts) {
  const { store, passwords, checkPassword, keys, log, counts, clock = Date.now } = parts;

  return {
    /**
     * Starts a session. An unknown account and a wrong password cannot be told apart.
     *
     * @param address of the caller, which limits wrong passwords
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
     * Changes a refresh token for new tokens; of several requests with one token, one gets them.
     *
     * @param arrivedAt when the request arrived; milliseconds since the epoch
     * @throws {Problem} refresh_token_invalid
     */
    async refresh(token: string, arrivedAt: number): Promise<Tokens> {
      const session = await store.sessionById(sessionIdIn(token));
      const standing = session && standingOf(token, session, arrivedAt);
      if (session && standing === 'reused') await endStolen(session);
      // One that began with an earlier password is not removed: the change of it may be about to keep it.
      const account = session && standing === 'current' ? await accountOf(session) : undefined;
      if (!session || !account) throw problem('refresh_token_invalid');
      return renew(session, account);
    },

    /** Ends the session of a refresh token, and does nothing if it has ended. */
    async logOut(token: string): Promise<void> {
      await store.removeSession(sessionIdIn(token));
    },

    /** Lets one session outlive a change of its account's password. All others end by it. */
    async keep(id: string, account: Account): Promise<void> {
      const { id: accountId, passwordVersion } = account;
      await store.keepSession({ id, accountId, passwordVersion });
    },
  };

  async function authenticate(
    { email: typed, password }: { email: string; password: string },
    address: string,
  ): Promise<Account> {
    const email = normalizeEmail(typed);
    const account = await store.accountByEmail(email);
    const isRight = await checkPassword(account, email, password, address);
    if (!account || !isRight) throw problem('wrong_credentials');
    if (passwords.isOutdated(account.passwordHash)) await rehash(account, password);
    return account;
  }

  async function start(account: Account): Promise<Tokens> {
    const id = randomUUID();
    const { token, tokenHash } = newRefreshToken(id);
    const now = clock();
    await store.createSession({
      id,
      accountId: account.id,
      passwordVersion: account.passwordVersion,
      tokenHash,
      refreshedAt: now,
      expiresAt: now + idleLifetime,
    });
    return tokensFor(account.id, id, token);
  }

  async function endStolen({ id, accountId }: Session): Promise<void> {
    await store.removeSession(id);
    log.warn({ userId: accountId }, 'refresh token reused');
  }

  async function renew(session: Session, account: Account): Promise<Tokens> {
    const { token, tokenHash } = newRefreshToken(session.id);
    const now = clock();
    const next = { ...session, tokenHash, refreshedAt: now + longestWrite, expiresAt: now + idleLifetime };
    if (!(await store.replaceSession(next, session.tokenHash))) throw problem('refresh_token_invalid');
    await settle({ ...next, refreshedAt: clock() });
    return tokensFor(account.id, session.id, token);
  }

  /** If it fails, reuse is judged a little later: no reason to lose the new token. */
  async function settle(session: Session): Promise<void> {
    await store.replaceSession(session, session.tokenHash).catch(() => undefined);
  }

  /** The account of a session that goes on; `undefined` if it was deleted or has another password now. */
  async function accountOf({ accountId, passwordVersion }: Session): Promise<Account | undefined> {
    const account = await store.accountById(accountId);
    return account?.passwordVersion === passwordVersion ? account : undefined;
  }

  async function tokensFor(accountId: string, sid: string, refreshToken: string): Promise<Tokens> {
    const roles = rolesOf(accountId, await store.administrators());
    const accessToken = await keys.sign(accountId, { roles, sid });
    return { accessToken, refreshToken, tokenType: 'Bearer', expiresIn: tokenLifetime };
  }

  /** If the account changes at this moment, the next login does it. */
  async function rehash(account: Account, password: string): Promise<void> {
    const passwordHash = await passwords.hash(password);
    await store.replaceAccount({ ...account, passwordHash, version: account.version + 1 }, account.version);
  }
}
