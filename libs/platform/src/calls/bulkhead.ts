import { problem } from '@slipway/contract-kit/problem';

export type Bulkhead = {
  /** Number of slots in use. */
  readonly used: number;
  /** Takes a slot and returns the function that frees it. @throws {Problem} `unavailable` if no slot is free. */
  enter(): () => void;
};

/**
 * Limits the calls to one upstream that run or wait for a connection, so that an upstream that hangs cannot use all
 * memory of this service.
 *
 * @param onRejected called for each call that finds no free slot
 */
export function createBulkhead(service: string, slots: number, onRejected?: () => void): Bulkhead {
  let used = 0;
  return {
    get used() {
      return used;
    },
    enter() {
      if (used >= slots) {
        onRejected?.();
        throw problem('unavailable', `Too many calls to ${service} are waiting`, { retryAfter: 1 });
      }
      used += 1;
      let inside = true;
      return () => {
        if (inside) used -= 1;
        inside = false;
      };
    },
  };
}
