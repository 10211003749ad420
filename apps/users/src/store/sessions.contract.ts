import { randomUUID } from 'node:crypto';
import { update } from '@slipway/platform/events/aggregates';
import { describe, expect, it } from 'vitest';
import type { Attempts } from '../login-limit.ts';
import { createSessions, kept, newRefreshToken, type Session } from '../sessions.ts';
import type { UsersStore } from './store.ts';

/** A time far ahead, because a store may delete what has expired at any time; milliseconds since the epoch. */
const start = Date.parse('2100-01-01T00:00:00Z');

type Given = {
  store: () => UsersStore;
  /** Runs ten calls at once, on two replicas if the store allows it. */
  race<T>(run: (store: UsersStore, index: number) => Promise<T>): Promise<T[]>;
};

/** The contract suite of stored sessions and failed login attempts. */
export function describeSessions({ store, race }: Given): void {
  describe('sessions', () => {
    it('returns what was written, until it is removed', async () => {
      const session = aSession();
      await store().sessions.add({ next: session, events: [] });
      expect({ ...(await store().sessions.get(session.id)) }).toEqual(session);
      await store().sessions.remove(session.id);
      await store().sessions.remove(session.id);
      expect(await store().sessions.get(session.id)).toBeUndefined();
    });

    it('lets one of ten requests with the same token continue a session', async () => {
      const session = aSession({ tokenHash: 'first' });
      await store().sessions.add({ next: session, events: [] });
      const nextOf = (index: number) => ({
        ...session,
        tokenHash: `token ${index}`,
        refreshedAt: start + 2_000,
        expiresAt: start + 3_000,
        version: 2,
      });
      const outcomes = await race((each, index) =>
        each.sessions.replace({ next: nextOf(index), events: [] }),
      );
      expect(outcomes.filter(Boolean)).toHaveLength(1);
      expect({ ...(await store().sessions.get(session.id)) }).toEqual(nextOf(outcomes.indexOf(true)));
    });

    it('continues in every tab that sends the same token at the same time, and still finds reuse', async () => {
      const warnings: object[] = [];
      for (let round = 0; round < 75; round++) {
        const { token, tokenHash } = newRefreshToken(randomUUID());
        const id = token.split('.', 1)[0] ?? '';
        const expiresAt = Date.now() + 60_000;
        await store().sessions.add({ next: aSession({ id, tokenHash, expiresAt }), events: [] });
        const [sentAt, tabs] = [Date.now(), round === 0 ? 10 : 2];
        const refresh = (each: UsersStore, sent: string) => sessionsOn(each, warnings).refresh(sent, sentAt);
        const answers = await race((each, tab) =>
          tab < tabs ? refresh(each, token) : Promise.resolve(undefined),
        );
        const tokens = answers.flatMap((answer) => answer?.refreshToken ?? []);
        expect(new Set(tokens).size).toBe(tabs);
        for (const each of tokens) await refresh(store(), each);
      }
      expect(warnings).toEqual([]);

      const { token, tokenHash } = newRefreshToken('reused');
      const expiresAt = Date.now() + 60_000;
      const session = aSession({ id: 'reused', tokenHash, refreshedAt: Date.now(), expiresAt });
      await store().sessions.add({ next: session, events: [] });
      const sessions = sessionsOn(store(), warnings);
      await sessions.refresh(token, Date.now());
      await expect(sessions.refresh(token, Date.now() + 1)).rejects.toMatchObject({ status: 401 });
      expect(await store().sessions.get('reused')).toBeUndefined();
      expect(warnings).toHaveLength(1);
    }, 60_000);

    it('raises the password version of a session that is refreshed at the same time', async () => {
      const session = aSession({ tokenHash: 'first' });
      await store().sessions.add({ next: session, events: [] });
      const next = { tokenHash: 'second', refreshedAt: start + 2_000 };
      const outcomes = await race(async (each, index) =>
        index === 0
          ? update(each.sessions, session.id, (found) =>
              found.tokenHash === 'first' ? changeOf(found, next) : undefined,
            )
          : keep(each, session.id, { id: session.accountId, passwordVersion: index }),
      );
      expect(outcomes[0]).toMatchObject(next);
      expect({ ...(await store().sessions.get(session.id)) }).toMatchObject({ ...next, passwordVersion: 9 });
    });

    it('does not raise the password version for another account', async () => {
      const session = aSession();
      await store().sessions.add({ next: session, events: [] });
      await keep(store(), session.id, { id: 'another', passwordVersion: 9 });
      expect({ ...(await store().sessions.get(session.id)) }).toEqual(session);
    });

    it('does not bring back a session that was removed', async () => {
      const session = aSession();
      await keep(store(), session.id, { id: session.accountId, passwordVersion: 9 });
      expect(await store().sessions.replace(changeOf(session, {}))).toBe(false);
      expect(await store().sessions.get(session.id)).toBeUndefined();
    });

    it('stores a session until it expires', async () => {
      const session = aSession({ refreshedAt: start + 1_000, expiresAt: start + 2_000 });
      await store().sessions.add({ next: session, events: [] });
      const later = aSession({ refreshedAt: start + 1_999, expiresAt: start + 5_000 });
      await store().sessions.add({ next: later, events: [] });
      expect(await store().sessions.get(session.id)).toBeDefined();
    });
  });

  describe('expired', () => {
    const expiring = {
      sessions: (id: string, expiresAt: number) =>
        store().sessions.add({ next: aSession({ id, expiresAt }), events: [] }),
      attempts: (id: string, expiresAt: number) =>
        store().attempts.add({ next: { ...anAttempt(1), id, expiresAt }, events: [] }),
    };
    const ids = Array.from({ length: 9 }, (_, n) => `${n + 1}`);

    for (const kind of ['sessions', 'attempts'] as const) {
      const addAll = async () => {
        for (const id of ids) await expiring[kind](id, start + Number(id));
      };
      const left = async () => {
        const found = await Promise.all(ids.map((id) => store()[kind].get(id)));
        return found.flatMap((each) => each?.id ?? []);
      };

      it(`${kind} are deleted, up to a number at a time, and no others`, async () => {
        expect(await store()[kind].deleteExpired(start + 5, 3)).toBe(0);
        await addAll();
        expect(await store()[kind].deleteExpired(start + 5, 3)).toBe(3);
        expect(await left()).toHaveLength(6);
        expect(await store()[kind].deleteExpired(start + 5, 3)).toBe(2);
        expect(await store()[kind].deleteExpired(start + 5, 3)).toBe(0);
        expect(await left()).toEqual(['6', '7', '8', '9']);
      });

      it(`${kind} are deleted by two replicas at the same time`, async () => {
        await addAll();
        const deleted = await race((each) => each[kind].deleteExpired(start + 5, 100));
        expect(deleted.reduce((sum, count) => sum + count)).toBe(5);
        expect(await left()).toEqual(['6', '7', '8', '9']);
      });
    }

    it('sessions are not deleted if they are refreshed at the same time, before that', async () => {
      const sessions = ids.map((id) => aSession({ id, expiresAt: start + 1 }));
      for (const next of sessions) await store().sessions.add({ next, events: [] });
      const refresh = (each: UsersStore, session?: Session) =>
        session && each.sessions.replace(changeOf(session, { expiresAt: start + 9 }));
      const outcomes = await race<boolean | number | undefined>(async (each, index) =>
        index === 9 ? each.sessions.deleteExpired(start + 5, 100) : refresh(each, sessions[index]),
      );
      const refreshed = ids.filter((_, n) => outcomes[n]);
      const found = await Promise.all(ids.map((id) => store().sessions.get(id)));
      expect(found.flatMap((each) => each?.id ?? [])).toEqual(refreshed);
      expect(outcomes[9]).toBe(ids.length - refreshed.length);
    });
  });

  describe('attempts', () => {
    it('counts ten attempts at the same time, if each is repeated when another was faster', async () => {
      await race(async (each) => {
        for (;;) {
          const seen = (await each.attempts.get('key'))?.failures ?? 0;
          if (await write(each, seen + 1)) return;
        }
      });
      expect({ ...(await store().attempts.get('key')) }).toEqual(anAttempt(10));
    });

    it('lets one of ten writers that read the same count write', async () => {
      for (const seen of [0, 1]) {
        const outcomes = await race((each) => write(each, seen + 1));
        expect(outcomes.filter(Boolean)).toHaveLength(1);
      }
    });

    it('removes a count only in its current version', async () => {
      await write(store(), 1);
      await write(store(), 2);
      expect(await store().attempts.remove('key', { version: 1 })).toBe(false);
      expect(await store().attempts.remove('key', { version: 2 })).toBe(true);
      expect(await store().attempts.get('key')).toBeUndefined();
    });

    it('stores a count until it expires', async () => {
      await write(store(), 1);
      const other = { ...anAttempt(1, start + 1_999), id: 'other' };
      await store().attempts.add({ next: other, events: [] });
      expect(await store().attempts.get('key')).toBeDefined();
    });
  });
}

/** Creates the operations on sessions on a store. Responses are delayed by 5 ms only. */
function sessionsOn(store: UsersStore, warnings: object[]) {
  const get = async () => ({ passwordVersion: 1 });
  const parts = {
    store: { ...store, accounts: { get } },
    keys: { sign: async () => 'access token' },
    log: { warn: (facts: object) => void warnings.push(facts) },
    pause: async () => void (await new Promise((resolve) => setTimeout(resolve, 5))),
  };
  return createSessions(parts as unknown as Parameters<typeof createSessions>[0]);
}

/** Writes an entry whose version is its number of failures. */
function write({ attempts }: UsersStore, failures: number): Promise<boolean> {
  const change = { next: anAttempt(failures), events: [] };
  return failures === 1 ? attempts.add(change) : attempts.replace(change);
}

export function anAttempt(failures: number, lastAt = start + 1_000): Attempts {
  return { id: 'key', version: failures, failures, lastAt, expiresAt: lastAt + 1_000 };
}

function changeOf(session: Session, facts: Partial<Session>) {
  return { next: { ...session, ...facts, version: session.version + 1 }, events: [] };
}

function keep({ sessions }: UsersStore, id: string, account: { id: string; passwordVersion: number }) {
  return update(sessions, id, (found) => kept(found, account), { ifMissing: () => undefined });
}

export function aSession(given: Partial<Session> = {}): Session {
  return {
    id: randomUUID(),
    accountId: 'account',
    passwordVersion: 1,
    tokenHash: randomUUID(),
    refreshedAt: start + 1_000,
    expiresAt: start + 2_000,
    version: 1,
    ...given,
  };
}
