import { problem } from '@slipway/contracts/errors';
import type { User } from '@slipway/contracts/users';
import { type Aggregate, type AggregateStore, update } from '@slipway/platform/events/aggregates';
import type { AccountStore } from './accounts.ts';

/**
 * The ids of all administrators, as one aggregate. "There is always an administrator" is a rule about several accounts.
 * Only a single aggregate can enforce it when two administrators remove each other at the same time.
 */
export type AdministratorList = Aggregate & { ids: string[] };

export type AdministratorStore = AggregateStore<AdministratorList>;

/** The id of the only list. */
const listId = 'administrators';
const emptyList = (): AdministratorList => ({ id: listId, ids: [], version: 0 });

/** Returns the list of administrators; an empty one if it was never written. */
export async function readAdministrators(store: Pick<AdministratorStore, 'get'>): Promise<AdministratorList> {
  return (await store.get(listId)) ?? emptyList();
}

/** Returns the roles of an account: everyone is a member. */
export function rolesOf(id: string, { ids }: Pick<AdministratorList, 'ids'>): User['roles'] {
  return ids.includes(id) ? ['member', 'admin'] : ['member'];
}

export type Administrators = ReturnType<typeof createAdministrators>;

type Parts = { administrators: AdministratorStore; accounts: Pick<AccountStore, 'get'> };

/** Creates the operations on the list of administrators. */
export function createAdministrators(store: Parts) {
  return {
    list: () => readAdministrators(store.administrators),

    async exist(): Promise<boolean> {
      const { ids } = await readAdministrators(store.administrators);
      return (await withAccount(ids)).length > 0;
    },

    async grant(id: string): Promise<void> {
      await change(async (ids) => (ids.includes(id) ? ids : [...ids, id]));
    },

    /**
     * @returns whether the account had the role
     * @throws {Problem} last_administrator if no other would be left
     */
    revoke(id: string): Promise<boolean> {
      return change((ids) => without(id, ids));
    },

    /** @throws {Problem} last_administrator if `revoke` would throw it now */
    async checkRevoke(id: string): Promise<void> {
      const { ids } = await readAdministrators(store.administrators);
      await without(id, ids);
    },
  };

  /** @returns whether the rule changed the list */
  async function change(rule: (ids: string[]) => Promise<string[]>): Promise<boolean> {
    let isChanged = false;
    const apply = async (list: AdministratorList) => {
      const ids = await rule(list.ids);
      return ids === list.ids ? undefined : { next: { ...list, ids, version: list.version + 1 }, events: [] };
    };
    const onWritten = () => {
      isChanged = true;
    };
    await update(store.administrators, listId, apply, { ifMissing: emptyList, onWritten });
    return isChanged;
  }

  async function without(id: string, ids: string[]): Promise<string[]> {
    if (!ids.includes(id)) return ids;
    const others = await withAccount(ids.filter((each) => each !== id));
    if (others.length === 0) throw problem('last_administrator');
    return others;
  }

  /** Excludes ids without an account: a role that is granted while its account is being deleted may remain. */
  async function withAccount(ids: string[]): Promise<string[]> {
    const accounts = await Promise.all(ids.map((id) => store.accounts.get(id)));
    return accounts.flatMap((account) => account?.id ?? []);
  }
}
