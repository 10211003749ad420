import type { Aggregate, AggregateStore, Change } from '../events/aggregates.ts';

/** Thrown by what an attempt writes after another replica has taken the job over. */
export class LeaseLost extends Error {
  constructor(job: string) {
    super(`another replica may run the job ${job} now`);
    this.name = 'LeaseLost';
  }
}

/** The fencing token of an attempt. */
export type Fence = {
  job: string;
  token: number;
  /** @throws {LeaseLost} if the lease has ended, by the clock of this process, or is known to be lost. */
  check(): void;
};

/** The newest fencing token of each job that has written an aggregate, by the job's name. */
type Fenced = { fences?: Record<string, number> };

/**
 * Makes a store of aggregates safe against an attempt that was paused while another replica took its job over. Each
 * write stores the token in the aggregate, and a write with an older token than the stored one is rejected. A write that
 * was already on its way when its lease ended may still arrive, but only before the new attempt writes that aggregate:
 * the new attempt then reads it.
 * Source: https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html
 *
 * @example
 * await update(fenced(store.subscriptions, attempt.fence), id, (subscription) => advance(subscription, invoice));
 */
export function fenced<Store extends AggregateStore<T, Also>, T extends Aggregate, Also>(
  store: Store & AggregateStore<T, Also>,
  fence: Fence,
): Store {
  const marked = (change: Change<T, Also>): Change<T, Also> => {
    const { fences } = change.next as T & Fenced;
    return { ...change, next: { ...change.next, fences: newer(fences, fence) } };
  };
  return {
    ...store,
    async add(change) {
      fence.check();
      return store.add(marked(change));
    },
    async replace(change) {
      fence.check();
      return store.replace(marked(change));
    },
    async remove(id, options) {
      fence.check();
      const stored = (await store.get(id)) as (T & Fenced) | undefined;
      if (!stored) return false;
      newer(stored.fences, fence);
      return store.remove(id, { version: stored.version, ...options });
    },
  };
}

/** @throws {LeaseLost} if a newer attempt of the job has written. */
function newer(fences: Record<string, number> = {}, { job, token }: Fence): Record<string, number> {
  if ((fences[job] ?? 0) > token) throw new LeaseLost(job);
  return { ...fences, [job]: token };
}
