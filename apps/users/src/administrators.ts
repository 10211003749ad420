import { problem } from '@slipway/contracts/errors';
import type { User } from '@slipway/contracts/users';
import type { AccountStore } from './accounts.ts';

/**
 * Who administrates, as one aggregate: "never without an administrator" is a rule about several accounts, and
 * only what is in one aggregate can be kept right when two administrators remove each other at once.
 */
export type AdministratorList = { ids: string[]; version: number };

export type AdministratorStore = {
  /** An empty list of version 0 where none was written. */
  administrators(): Promise<AdministratorList>;
  /** Writes the list in one atomic step if the one it replaces has the version before its own. */
  replaceAdministrators(list: AdministratorList): Promise<boolean>;
};

/** The roles of an account: everyone is a member. */
export function rolesOf(id: string, { ids }: AdministratorList): User['roles'] {
  return ids.includes(id) ? ['member', 'admin'] : ['member'];
}

export type Administrators = ReturnType<typeof createAdministrators>;

/** Who administrates, and changes to that. */
export function createAdministrators(store: AdministratorStore & Pick<AccountStore, 'accountById'>) {
  return {
    list: () => store.administrators(),

    async exist(): Promise<boolean> {
      const { ids } = await store.administrators();
      return (await withAccount(ids)).length > 0;
    },

    async grant(id: string): Promise<void> {
      await change(async (ids) => (ids.includes(id) ? ids : [...ids, id]));
    },

    /**
     * @returns whether the role was there to be taken
     * @throws {Problem} last_administrator if nobody else would be left.
     */
    revoke(id: string): Promise<boolean> {
      return change((ids) => without(id, ids));
    },

    /** @throws {Problem} last_administrator if `revoke` would now. */
    async checkRevoke(id: string): Promise<void> {
      const { ids } = await store.administrators();
      await without(id, ids);
    },
  };

  /** Writes what `rule` makes of the list, again from the start if another was faster. */
  async function change(rule: (ids: string[]) => Promise<string[]>): Promise<boolean> {
    for (;;) {
      const { ids, version } = await store.administrators();
      const next = await rule(ids);
      if (next === ids) return false;
      if (await store.replaceAdministrators({ ids: next, version: version + 1 })) return true;
    }
  }

  async function without(id: string, ids: string[]): Promise<string[]> {
    if (!ids.includes(id)) return ids;
    const others = await withAccount(ids.filter((each) => each !== id));
    if (others.length === 0) throw problem('last_administrator');
    return others;
  }

  /** A role given while its account is being deleted may outlive it: it counts nothing. */
  async function withAccount(ids: string[]): Promise<string[]> {
    const accounts = await Promise.all(ids.map((id) => store.accountById(id)));
    return accounts.flatMap((account) => account?.id ?? []);
  }
}
