import { randomUUID } from 'node:crypto';
import { aggregatesContract } from '@slipway/platform/events/aggregates.contract';
import { newEvent } from '@slipway/platform/events/new-event';
import { fencedContract } from '@slipway/platform/jobs/fence.contract';
import { jobStoreContract } from '@slipway/platform/jobs/job-store.contract';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Account } from '../accounts.ts';
import type { KeyRing } from '../signing-keys.ts';
import { anAttempt, aSession, describeSessions } from './sessions.contract.ts';
import type { UsersStore } from './store.ts';

export type Opened = {
  store: UsersStore;
  /** Opens the same data once more, as another replica does; absent where only one process can. */
  openAgain?(): Promise<UsersStore>;
};

type Part = 'accounts' | 'administrators' | 'sessions' | 'attempts' | 'keyRing';

/** The contract suite of the stores of users. */
export function describeUsersStore(name: string, open: () => Promise<Opened>): void {
  const openPart = async <Key extends Part>(key: Key) => {
    const { store, openAgain } = await open();
    const second = (await openAgain?.()) ?? store;
    const stores: [UsersStore[Key], UsersStore[Key]] = [store[key], second[key]];
    const close = async () =>
      void (await Promise.all([...new Set([store, second])].map((each) => each.close())));
    return { stores, outbox: key === 'accounts' ? store.outbox : undefined, close };
  };
  const account = anAccount();
  const other = anAccount();
  const added = <T extends { id: string }>(next: T) => ({ next, events: [] });
  aggregatesContract(`accounts of ${name}`, () => openPart('accounts'), {
    first: { next: account, events: [newEvent('users', 'user.signed_up', { userId: account.id })] },
    also: {},
    unique: {
      same: added({ ...other, email: account.email }),
      free: added(other),
      taken: expect.objectContaining({ code: 'email_taken' }),
    },
  });
  aggregatesContract(`sessions of ${name}`, () => openPart('sessions'), {
    first: added(aSession()),
    also: {},
  });
  aggregatesContract(`attempts of ${name}`, () => openPart('attempts'), {
    first: added(anAttempt(1)),
    also: {},
  });

  aggregatesContract(`administrators of ${name}`, () => openPart('administrators'), {
    first: added({ id: 'administrators', ids: ['a'], version: 1 }),
    also: {},
  });
  const aKeyRing = { first: added<KeyRing>({ id: 'key ring', keys: [], version: 1 }), also: {} };
  aggregatesContract(`key ring of ${name}`, () => openPart('keyRing'), aKeyRing);
  fencedContract(`key ring of ${name}`, () => openPart('keyRing'), aKeyRing);

  jobStoreContract(`users on ${name}`, open, { publishes: false });

  describe(`the users store on ${name}`, () => {
    let opened: Opened;
    let store: UsersStore;
    let others: UsersStore[];
    beforeEach(async () => {
      opened = await open();
      store = opened.store;
      others = [];
    });
    afterEach(() => Promise.all([store, ...others].map((each) => each.close())));

    /** Runs ten calls at once, on two replicas if the store allows it. */
    async function race<T>(run: (store: UsersStore, index: number) => Promise<T>): Promise<T[]> {
      const replica = (await opened.openAgain?.()) ?? store;
      if (replica !== store) others.push(replica);
      return Promise.all(Array.from({ length: 10 }, (_, index) => run(index % 2 ? replica : store, index)));
    }

    const add = async (account: Account) => {
      expect(await store.accounts.add({ next: account, events: [] })).toBe(true);
      return account;
    };
    const eventOf = (id: string) => newEvent('users', 'user.signed_up', { userId: id });
    const eventIds = async () => (await store.outbox.pending(100)).map(({ id }) => id);

    it('answers a ping', async () => {
      await expect(store.ping()).resolves.toBeUndefined();
    });

    describe('accounts', () => {
      it('returns what was written, in any script', async () => {
        const account = await add(anAccount({ name: 'Ǆóħń 李 🚀 e\u0301', email: 'ünï@例え.jp' }));
        expect({ ...(await store.accounts.get(account.id)) }).toEqual(account);
        expect({ ...(await store.accounts.byEmail(account.email)) }).toEqual(account);
        expect(await store.accounts.get('nobody')).toBeUndefined();
        expect(await store.accounts.byEmail('nobody@example.com')).toBeUndefined();
      });

      it('gives an e-mail address to one of ten accounts, and stores only its event', async () => {
        const accounts = Array.from({ length: 10 }, () => anAccount({ email: 'same@example.com' }));
        const events = accounts.map(({ id }) => eventOf(id));
        const outcomes = await race((each, index) =>
          outcomeOf(each.accounts.add({ next: at(accounts, index), events: [at(events, index)] })),
        );
        expect(outcomes.toSorted()).toEqual([...Array(9).fill('email_taken'), true]);
        const winner = outcomes.indexOf(true);
        expect((await store.accounts.byEmail('same@example.com'))?.id).toBe(at(accounts, winner).id);
        expect(await eventIds()).toEqual([at(events, winner).id]);
      });

      it('writes one of ten changes to the same version', async () => {
        const account = await add(anAccount());
        const outcomes = await race((each, index) =>
          each.accounts.replace({ next: { ...account, name: `Name ${index}`, version: 2 }, events: [] }),
        );
        expect(outcomes.toSorted()).toEqual([...Array(9).fill(false), true]);
        const winner = outcomes.indexOf(true);
        expect(await store.accounts.get(account.id)).toMatchObject({ name: `Name ${winner}`, version: 2 });
      });

      it('rejects the e-mail address of another account, and changes nothing', async () => {
        const taken = await add(anAccount());
        const account = await add(anAccount());
        const change = { ...account, name: 'New', email: taken.email, version: 2 };
        expect(await outcomeOf(store.accounts.replace({ next: change, events: [] }))).toBe('email_taken');
        expect({ ...(await store.accounts.get(account.id)) }).toEqual(account);
      });

      it('finds an account by its new e-mail address only, and frees the old one', async () => {
        const account = await add(anAccount({ email: 'old@example.com' }));
        await store.accounts.replace({
          next: { ...account, email: 'new@example.com', version: 2 },
          events: [],
        });
        expect(await store.accounts.byEmail('old@example.com')).toBeUndefined();
        expect((await store.accounts.byEmail('new@example.com'))?.id).toBe(account.id);
        await add(anAccount({ email: 'old@example.com' }));
      });

      it('removes an account once, with its event, and frees its e-mail address', async () => {
        const account = await add(anAccount());
        const event = eventOf(account.id);
        expect(await store.accounts.remove(account.id, { version: 7, events: [event] })).toBe(false);
        expect(await eventIds()).toEqual([]);
        const outcomes = await race((each) =>
          each.accounts.remove(account.id, { version: 1, events: [event] }),
        );
        expect(outcomes.filter(Boolean)).toHaveLength(1);
        expect(await store.accounts.get(account.id)).toBeUndefined();
        expect(await eventIds()).toEqual([event.id]);
        await add(anAccount({ email: account.email }));
      });

      it('does not change an account that was removed', async () => {
        const account = anAccount({ version: 2 });
        expect(await store.accounts.replace({ next: account, events: [] })).toBe(false);
        expect(await store.accounts.get(account.id)).toBeUndefined();
      });

      it('lists each account once, in order, while others are added', async () => {
        const times = ['03', '01', '02', '02', '02'].map((day) => `2030-01-${day}T00:00:00.000Z`);
        const first = await Promise.all(times.map((createdAt) => add(anAccount({ createdAt }))));
        const expected = first.toSorted(
          (a, b) => a.createdAt.localeCompare(b.createdAt) || (a.id < b.id ? -1 : 1),
        );
        const seen: string[] = [];
        for (let after: { at: string; id: string } | undefined; ; ) {
          const page = await store.accounts.list(2, after);
          seen.push(...page.map(({ id }) => id));
          const last = page.at(-1);
          if (!last) break;
          after = { at: last.createdAt, id: last.id };
          await add(anAccount({ createdAt: '2029-12-31T00:00:00.000Z' }));
        }
        expect(seen).toEqual(expected.map(({ id }) => id));
      });
    });

    describe('the outbox', () => {
      it('returns the events of each account in order until they are delivered, on every replica', async ({
        skip,
      }) => {
        const replica = await opened.openAgain?.();
        if (!replica) return skip();
        others.push(replica);
        const accounts = Array.from({ length: 3 }, () => anAccount());
        for (const account of accounts) {
          const signedUp = newEvent('users', 'user.signed_up', {}, `up ${account.id}`);
          await store.accounts.add({ next: account, events: [signedUp] });
          await replica.accounts.replace({ next: { ...account, name: 'Changed', version: 2 }, events: [] });
          const event = newEvent('users', 'user.deleted', {}, `down ${account.id}`);
          expect(await replica.accounts.remove(account.id, { version: 2, events: [event] })).toBe(true);
        }
        const told = accounts.flatMap(({ id }) => [`up ${id}`, `down ${id}`]);
        expect(await eventIds()).toEqual(told);
        expect((await replica.outbox.pending(4)).map(({ id }) => id)).toEqual(told.slice(0, 4));
        await replica.outbox.delivered(told.slice(0, 3));
        expect(await eventIds()).toEqual(told.slice(3));
        await store.outbox.delivered(told);
        expect(await eventIds()).toEqual([]);
        expect(await store.outbox.backlog()).toEqual({ depth: 0 });
      });
    });

    describe('administrators', () => {
      const listId = 'administrators';
      const listOf = (ids: string[], version: number) => ({ next: { id: listId, ids, version }, events: [] });

      it('are none at first, and then those that were written', async () => {
        expect(await store.administrators.get(listId)).toBeUndefined();
        expect(await store.administrators.add(listOf(['a', 'b'], 1))).toBe(true);
        expect(await store.administrators.get(listId)).toEqual({ id: listId, ids: ['a', 'b'], version: 1 });
      });

      it('are changed by one of ten writers that read the same list', async () => {
        for (const version of [1, 2]) {
          const outcomes = await race((each, index) =>
            each.administrators[version === 1 ? 'add' : 'replace'](listOf([`admin ${index}`], version)),
          );
          expect(outcomes.filter(Boolean)).toHaveLength(1);
          expect(await store.administrators.get(listId)).toEqual({
            id: listId,
            ids: [`admin ${outcomes.indexOf(true)}`],
            version,
          });
        }
      });
    });

    describe('the key ring', () => {
      const ringId = 'key ring';
      const ringOf = (kid: string, version: number): KeyRing => ({
        id: ringId,
        keys: [
          {
            kid,
            publicKey: { kty: 'OKP', crv: 'Ed25519', x: 'x', kid, alg: 'EdDSA', use: 'sig' },
            privateKey: { kty: 'OKP', crv: 'Ed25519', x: 'x', d: 'd' },
            createdAt: 1,
            signsFrom: 2,
          },
        ],
        version,
      });

      it('is missing at first, and then as one of ten writers wrote it', async () => {
        expect(await store.keyRing.get(ringId)).toBeUndefined();
        const outcomes = await race((each, index) =>
          each.keyRing.add({ next: ringOf(`key ${index}`, 1), events: [] }),
        );
        expect(outcomes.filter(Boolean)).toHaveLength(1);
        expect(await store.keyRing.get(ringId)).toEqual(ringOf(`key ${outcomes.indexOf(true)}`, 1));
      });

      it('is separate from the administrators', async () => {
        await store.keyRing.add({ next: ringOf('key', 1), events: [] });
        expect(await store.administrators.get('administrators')).toBeUndefined();
      });
    });

    describeSessions({ store: () => store, race });

    it('shows one replica what another wrote', async ({ skip }) => {
      const replica = await opened.openAgain?.();
      if (!replica) return skip();
      others.push(replica);
      const account = await add(anAccount());
      const session = aSession();
      await store.sessions.add({ next: session, events: [] });
      expect(await replica.accounts.get(account.id)).toBeDefined();
      expect(await replica.sessions.get(session.id)).toBeDefined();
    });
  });
}

/** Returns the result of a write, or the code of its error, such as `email_taken`. */
async function outcomeOf(write: Promise<boolean>): Promise<boolean | string> {
  return write.catch(({ code }) => code);
}

function at<T>(items: T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`There is no item ${index}`);
  return item;
}

function anAccount(given: Partial<Account> = {}): Account {
  const id = randomUUID();
  return {
    id,
    email: `${id}@example.com`,
    name: 'Ada',
    passwordHash: '$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$dGFn',
    passwordVersion: 1,
    createdAt: '2030-01-01T00:00:00.000Z',
    version: 1,
    ...given,
  };
}
