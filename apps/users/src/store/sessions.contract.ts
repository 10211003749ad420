import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Session } from '../sessions.ts';
import type { UsersStore } from './users-store.ts';

/** Far ahead, in milliseconds since the epoch: a store may forget what has expired at any time. */
const start = Date.parse('2100-01-01T00:00:00Z');

type Given = {
  store: () => UsersStore;
  /** Ten callers at once, of two replicas where that is possible. */
  race<T>(run: (store: UsersStore, index: number) => Promise<T>): Promise<T[]>;
};

/** What is kept of logins: those that succeeded, and attempts that did not. */
export function describeSessions({ store, race }: Given): void {
  describe('sessions', () => {
    it('gives back what was written, until it is removed', async () => {
      const session = aSession();
      await store().createSession(session);
      expect({ ...(await store().sessionById(session.id)) }).toEqual(session);
      await store().removeSession(session.id);
      await store().removeSession(session.id);
      expect(await store().sessionById(session.id)).toBeUndefined();
    });

    it('lets one of ten continue a session with the same token', async () => {
      const session = aSession({ tokenHash: 'first' });
      await store().createSession(session);
      const nextOf = (index: number) => ({
        ...session,
        tokenHash: `token ${index}`,
        refreshedAt: start + 2_000,
        expiresAt: start + 3_000,
      });
      const outcomes = await race((each, index) => each.replaceSession(nextOf(index), 'first'));
      expect(outcomes.filter(Boolean)).toHaveLength(1);
      expect({ ...(await store().sessionById(session.id)) }).toEqual(nextOf(outcomes.indexOf(true)));
    });

    it('raises the password version of a session, whoever continues it at that moment', async () => {
      const session = aSession({ tokenHash: 'first' });
      await store().createSession(session);
      const next = { ...session, tokenHash: 'second', refreshedAt: start + 2_000 };
      const outcomes = await race(async (each, index) =>
        index === 0
          ? each.replaceSession(next, 'first')
          : each.keepSession({ ...session, passwordVersion: index }),
      );
      expect(outcomes[0]).toBe(true);
      expect({ ...(await store().sessionById(session.id)) }).toEqual({ ...next, passwordVersion: 9 });
    });

    it('raises no password version for another account', async () => {
      const session = aSession();
      await store().createSession(session);
      await store().keepSession({ ...session, accountId: 'another', passwordVersion: 9 });
      expect({ ...(await store().sessionById(session.id)) }).toEqual(session);
    });

    it('does not bring back a session that was removed', async () => {
      const session = aSession();
      await store().keepSession(session);
      expect(await store().replaceSession(session, session.tokenHash)).toBe(false);
      expect(await store().sessionById(session.id)).toBeUndefined();
    });

    it('keeps a session until it expires', async () => {
      const session = aSession({ refreshedAt: start + 1_000, expiresAt: start + 2_000 });
      await store().createSession(session);
      await store().createSession(aSession({ refreshedAt: start + 1_999, expiresAt: start + 5_000 }));
      expect(await store().sessionById(session.id)).toBeDefined();
    });
  });

  describe('attempts', () => {
    const attemptsOf = (failures: number, lastAt = start + 1_000) => ({
      key: 'key',
      failures,
      lastAt,
      expiresAt: lastAt + 1_000,
    });

    it('counts each of ten at once, if each tries again when another was faster', async () => {
      await race(async (each) => {
        for (;;) {
          const seen = (await each.attempts('key'))?.failures ?? 0;
          if (await each.replaceAttempts(attemptsOf(seen + 1), seen)) return;
        }
      });
      expect({ ...(await store().attempts('key')) }).toEqual(attemptsOf(10));
    });

    it('lets one of ten write who saw the same count', async () => {
      for (const seen of [0, 1]) {
        const outcomes = await race((each) => each.replaceAttempts(attemptsOf(seen + 1), seen));
        expect(outcomes.filter(Boolean)).toHaveLength(1);
      }
    });

    it('removes a count of nothing', async () => {
      await store().replaceAttempts(attemptsOf(3), 0);
      expect(await store().replaceAttempts(attemptsOf(0), 2)).toBe(false);
      expect(await store().replaceAttempts(attemptsOf(0), 3)).toBe(true);
      expect(await store().attempts('key')).toBeUndefined();
    });

    it('keeps a count until it expires', async () => {
      await store().replaceAttempts(attemptsOf(3), 0);
      await store().replaceAttempts({ ...attemptsOf(1, start + 1_999), key: 'other' }, 0);
      expect(await store().attempts('key')).toBeDefined();
    });
  });
}

export function aSession(given: Partial<Session> = {}): Session {
  return {
    id: randomUUID(),
    accountId: 'account',
    passwordVersion: 1,
    tokenHash: randomUUID(),
    refreshedAt: start + 1_000,
    expiresAt: start + 2_000,
    ...given,
  };
}
