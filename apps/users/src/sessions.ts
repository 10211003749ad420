import { hash, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { problem } from '@slipway/contracts/errors';
import type { Tokens } from '@slipway/contracts/users';
import { type Change, type Expiring, type ExpiringStore, update } from '@slipway/platform/events/aggregates';
import type { Logger } from '@slipway/platform/telemetry/log';
import { type Account, type AccountStore, findByEmail } from './accounts.ts';
import { type AdministratorStore, readAdministrators, rolesOf } from './administrators.ts';
import { type Counts, signInOutcome } from './counts.ts';
import { normalizeEmail } from './email-address.ts';
import type { PasswordCheck } from './login-limit.ts';
import type { Passwords } from './passwords.ts';
import { type SigningKeys, tokenLifetime } from './signing-keys.ts';

/** A login and the refresh token that continues it. Times are milliseconds since the epoch. */
export type Session = Expiring & {
  accountId: string;
  /** The session is valid only while this is the password version of its account. */
  passwordVersion: number;
  /** SHA-256 of the refresh token: 256 random bits need no slow hash. */
  tokenHash: string;
  /** Time of the login, or of the last response that replaced a token; an upper bound until that is stored. */
  refreshedAt: number;
  /** Additional current tokens, one for each simultaneous request, and when each was issued. */
  others?: { tokenHash: string; issuedAt: number }[];
  /** Recently replaced tokens. Until `until`, a request with such a token counts as simultaneous. */
  replaced?: { tokenHash: string; until: number }[];
};

export type SessionStore = ExpiringStore<Session>;

/** A session ends when it has not been refreshed for this time (RFC 9700 section 4.14.2); milliseconds. */
const idleLifetime = 30 * 24 * 3_600_000;
/** Maximum duration of one write to the store; milliseconds. */
export const longestWrite = 2_000;
/**
 * Milliseconds by which a response that replaces a token is delayed. Until then the client has only the old token, so
 * a request with that counts as simultaneous and not as reuse. Why so long: docs/decisions/0051-sessions.md.
 */
export const holdTime = 250;
/** Maximum number of `others` in a session. */
export const maxOthers = 31;
/**
 * Minimum age in milliseconds of a token that is evicted. Tabs that share storage use only the token stored last, so
 * the unused ones become the oldest.
 */
const keptFor = 2_000;
/** Maximum number of `replaced` in a session. */
const maxReplaced = 16;

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
 * - `simultaneous`: another request replaced it, but its response was not yet sent when this one was received. Two tabs
 *   cause this, so both continue, each with a token of its own;
 * - `overtaken`: any other token that was received before the last response was sent. Only this request is rejected;
 * - `reused`: any other token, such as one that was replaced earlier. Two parties may have it, so the session ends;
 * - `expired`: the session has ended.
 *
 * @param receivedAt when the request with the token was received; milliseconds since the epoch
 */
export function standingOf(
  token: string,
  { tokenHash, refreshedAt, expiresAt, others = [], replaced = [] }: Standing,
  receivedAt: number,
) {
  if (expiresAt <= receivedAt) return 'expired';
  const given = hashOf(token);
  const isGiven = (each: { tokenHash: string }) => each.tokenHash === given;
  if (given === tokenHash || others.some(isGiven)) return 'current';
  if (replaced.some((each) => isGiven(each) && receivedAt <= each.until)) return 'simultaneous';
  return receivedAt <= refreshedAt ? 'overtaken' : 'reused';
}

type Standing = Pick<Session, 'tokenHash' | 'refreshedAt' | 'expiresAt' | 'others' | 'replaced'>;

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
  /** Returns the milliseconds since the epoch. */
  clock?: () => number;
  pause?: (ms: number) => Promise<unknown>;
};

/** Creates the operations on sessions, from login to logout. */
export function createSessions(parts: Parts) {
  const { store, passwords, checkPassword, keys, log, counts, clock = Date.now, pause = wait } = parts;

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
     * Exchanges a refresh token for new tokens. Requests that were sent at the same time with the same token each get
     * tokens of their own.
     *
     * @param receivedAt when the request was received; milliseconds since the epoch
     * @throws {Problem} refresh_token_invalid, overloaded
     */
    async refresh(token: string, receivedAt: number): Promise<Tokens> {
      const issued = newRefreshToken(sessionIdIn(token));
      let wasCurrent = false;
      let replaces = false;
      const renew = async (session: Session) => {
        const standing = standingOf(token, session, receivedAt);
        // Not reuse if the token was current in an earlier attempt: a concurrent request replaced it.
        if (standing === 'reused' && !wasCurrent) await endStolen(session);
        replaces = standing === 'current';
        wasCurrent ||= replaces;
        if (!wasCurrent && standing !== 'simultaneous') throw problem('refresh_token_invalid');
        // A session with an older password is not removed, because the password change may be about to let it continue.
        if (!(await hasAccount(session))) throw problem('refresh_token_invalid');
        const now = clock();
        const next = replaces
          ? renewed(session, hashOf(token), issued.tokenHash, now)
          : branched(session, issued.tokenHash, now);
        return { next, events: [] };
      };
      const session = await update(store.sessions, sessionIdIn(token), renew, { ifMissing: noSession });
      if (replaces) await settle(session.id, hashOf(token));
      return tokensFor(session.accountId, session.id, issued.token);
    },

    /** Ends the session whose id is in a refresh token, also in a replaced one; does nothing if it has ended. */
    async logOut(token: string): Promise<void> {
      await store.sessions.remove(sessionIdIn(token));
    },

    /**
     * Checks that a session has not ended, which an access token does not show.
     *
     * @throws {Problem} unauthenticated
     */
    async confirm(id: string | undefined, account: Account): Promise<void> {
      const session = id === undefined ? undefined : await store.sessions.get(id);
      if (!session || session.accountId !== account.id || hasEnded(session, account, clock())) {
        throw problem('unauthenticated', 'The session has ended');
      }
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
    const account = await findByEmail(store.accounts, typed);
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
   * Delays the response, and stores its release time. If the write fails, reuse is detected later, but the new
   * token is valid.
   */
  async function settle(id: string, tokenHash: string): Promise<void> {
    await pause(holdTime);
    const until = clock();
    const rule = (session: Session) => settled(session, tokenHash, until);
    await update(store.sessions, id, rule).catch(() => undefined);
  }

  /** Returns whether a session's account exists and has the session's password version. */
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

function hasEnded(session: Session, { passwordVersion }: Account, now: number): boolean {
  return session.expiresAt <= now || session.passwordVersion !== passwordVersion;
}

/** Raises the password version of a session to that of the account, if the session belongs to it. */
export function kept(
  session: Session,
  { id, passwordVersion }: Pick<Account, 'id' | 'passwordVersion'>,
): Change<Session> | undefined {
  if (session.accountId !== id || session.passwordVersion >= passwordVersion) return undefined;
  return { next: { ...session, passwordVersion, version: session.version + 1 }, events: [] };
}

/** Replaces a token of a session. */
function renewed(session: Session, old: string, tokenHash: string, now: number): Session {
  const sentAt = now + holdTime;
  const until = sentAt + longestWrite;
  const isOld = (each: { tokenHash: string }) => each.tokenHash === old;
  return {
    ...session,
    ...(session.tokenHash === old
      ? { tokenHash }
      : {
          others: (session.others ?? []).map((each) => (isOld(each) ? { tokenHash, issuedAt: now } : each)),
        }),
    replaced: [...(session.replaced ?? []), { tokenHash: old, until }].slice(-maxReplaced),
    refreshedAt: until,
    expiresAt: sentAt + idleLifetime,
    version: session.version + 1,
  };
}

/** Adds a token to a session. If there are too many, it replaces the oldest, or throws while that is too new. */
function branched(session: Session, tokenHash: string, now: number): Session {
  const others = (session.others ?? []).toSorted((a, b) => b.issuedAt - a.issuedAt);
  const last = others[maxOthers - 1];
  if (last && last.issuedAt > now - keptFor) throw problem('refresh_token_invalid');
  return {
    ...session,
    others: [{ tokenHash, issuedAt: now }, ...others.slice(0, maxOthers - 1)],
    expiresAt: now + idleLifetime,
    version: session.version + 1,
  };
}

/** Sets the time until which requests with a replaced token count as simultaneous. */
function settled(session: Session, tokenHash: string, until: number): Change<Session> {
  const replaced = (session.replaced ?? []).map((each) =>
    each.tokenHash === tokenHash ? { tokenHash, until } : each,
  );
  const refreshedAt = Math.max(until, ...replaced.map((each) => each.until));
  return { next: { ...session, replaced, refreshedAt, version: session.version + 1 }, events: [] };
}

function noSession(): never {
  throw problem('refresh_token_invalid');
}
