import { problem } from '@slipway/contract-kit/problem';
import type { CallShare } from '../core/call-share.ts';

export type BulkheadOptions = {
  /** Maximum number of calls that run or wait. */
  slots: number;
  /** Returns the maximum number of calls that run concurrently. */
  permits: () => number;
  /** The fraction of slots and of permits that one client can use. */
  clientShare: number;
  /** The code of the problem that a client with too many calls gets. */
  clientCode: 'overloaded' | 'rate_limited';
  /** Called for each rejected call. */
  onRejected?: () => void;
};

/** The fraction of slots and of permits that the calls of one priority can use. */
const priorityShare = 0.75;

export type Bulkhead = {
  /** Number of slots in use. */
  readonly used: number;
  /**
   * Takes a slot, waits for a permit, and returns the function that frees both; a promise only if the call has to wait.
   *
   * @param share the client and priority of the call; without it, the call does not wait for a permit
   * @param caller its signal ends the wait
   * @throws {Problem} `unavailable` if no slot is free; `clientCode` if the client, `overloaded` if the priority, has
   * used up its own.
   */
  enter(share: CallShare | undefined, caller: { signal: AbortSignal }): (() => void) | Promise<() => void>;
};

/** The names under which a call's slots and permits are counted. */
type Call = { client: string; priority: string } | undefined;

type Waiting = { call: Call; start: () => void };

/**
 * Limits the calls to one upstream that run or wait, so that an upstream that hangs cannot use all memory of this service.
 * A client can use only a fraction of the slots, and so can a priority: none can use them all alone.
 */
export function createBulkhead(service: string, options: BulkheadOptions): Bulkhead {
  const { slots, permits, clientShare, clientCode, onRejected } = options;
  const held = new Tally(clientShare);
  const running = new Tally(clientShare);
  const waiting = new Set<Waiting>();

  function takeSlot(call: Call): void {
    const full = held.exhausted(call, slots);
    if (full) {
      onRejected?.();
      const code = { all: 'unavailable', client: clientCode, priority: 'overloaded' } as const;
      throw problem(code[full], `Too many calls to ${service} are waiting`, { retryAfter: 1 });
    }
    held.add(call, 1);
  }

  const mayRun = (call: Call) => call === undefined || !running.exhausted(call, permits());

  function startWaiting(): void {
    for (const each of waiting) {
      if (!mayRun(each.call)) continue;
      waiting.delete(each);
      each.start();
    }
  }

  /** Waits for a permit; gives the slot back, and throws the signal's reason, if that aborts. */
  async function waitForPermit(call: Call, signal: AbortSignal): Promise<() => void> {
    try {
      await permit(call, signal);
    } catch (error) {
      held.add(call, -1);
      throw error;
    }
    return leaving(call);
  }

  async function permit(call: Call, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => {
      waiting.delete(entry);
      reject(signal.reason);
    };
    const start = () => {
      signal.removeEventListener('abort', abort);
      running.add(call, 1);
      resolve();
    };
    const entry = { call, start };
    signal.addEventListener('abort', abort, { once: true });
    waiting.add(entry);
    return promise;
  }

  /** Makes the function that frees the slot and the permit of a call, once. */
  function leaving(call: Call): () => void {
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      held.add(call, -1);
      running.add(call, -1);
      startWaiting();
    };
  }

  return {
    get used() {
      return held.total;
    },
    enter(share, caller) {
      const call = share && { client: share.client(), priority: share.priority };
      takeSlot(call);
      if (!mayRun(call)) return waitForPermit(call, caller.signal);
      running.add(call, 1);
      return leaving(call);
    },
  };
}

/** Counts calls: all, those of each client and those of each priority. */
class Tally {
  total = 0;
  readonly #clientShare: number;
  readonly #clients = new Map<string, number>();
  readonly #priorities = new Map<string, number>();

  constructor(clientShare: number) {
    this.#clientShare = clientShare;
  }

  add(call: Call, by: number): void {
    this.total += by;
    if (!call) return;
    count(this.#clients, call.client, by);
    count(this.#priorities, call.priority, by);
  }

  /** Returns which limit is reached: the client's or the priority's part of `size`, or all of it. */
  exhausted(call: Call, size: number): 'all' | 'client' | 'priority' | undefined {
    if (call) {
      if ((this.#clients.get(call.client) ?? 0) >= size * this.#clientShare) return 'client';
      if ((this.#priorities.get(call.priority) ?? 0) >= size * priorityShare) return 'priority';
    }
    return this.total >= size ? 'all' : undefined;
  }
}

function count(counts: Map<string, number>, name: string, by: number): void {
  const left = (counts.get(name) ?? 0) + by;
  if (left > 0) counts.set(name, left);
  else counts.delete(name);
}
