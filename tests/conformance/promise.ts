import { type Need, needs } from './needs.ts';
import type { Target } from './target.ts';

/** A promise of every service. `check` rejects with the reason if a target breaks it. */
export type ServicePromise = {
  /** Names the promise in tables and tests. */
  id: string;
  /** A sentence without its subject, which is the service. */
  name: string;
  needs?: readonly Need[];
  check(target: Target): Promise<void>;
};

export type Result = { id: string; name: string; outcome: 'kept' | 'broken' | 'left out'; why?: string };

/** Checks one promise. Never rejects. */
export async function checkPromise(promise: ServicePromise, target: Target): Promise<Result> {
  const { id, name } = promise;
  const missing = promise.needs?.find((need) => !target.has(need));
  if (missing) return { id, name, outcome: 'left out', why: needs[missing] };
  try {
    await promise.check(target);
    return { id, name, outcome: 'kept' };
  } catch (error) {
    return { id, name, outcome: 'broken', why: reasonOf(error) };
  }
}

/** Checks promises one after the other, because some of them load the machine. */
export async function checkAll(promises: readonly ServicePromise[], target: Target): Promise<Result[]> {
  const results: Result[] = [];
  for (const promise of promises) results.push(await checkPromise(promise, target));
  return results;
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
