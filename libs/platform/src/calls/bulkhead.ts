import { problem } from '@slipway/contract-kit/problem';

export type Bulkhead = {
  /** Places that are taken. */
  readonly taken: number;
  /** Takes a place; the function gives it back. @throws {Problem} `unavailable` when all are taken. */
  enter(): () => void;
};

/**
 * Bounds the calls to one upstream that are running or wait for a connection, so that one that hangs
 * cannot hold all of this service's memory.
 *
 * @param onRefused told of each call that finds no place
 */
export function createBulkhead(service: string, places: number, onRefused?: () => void): Bulkhead {
  let taken = 0;
  return {
    get taken() {
      return taken;
    },
    enter() {
      if (taken >= places) {
        onRefused?.();
        throw problem('unavailable', `Too many calls wait for ${service}`, { retryAfter: 1 });
      }
      taken += 1;
      let inside = true;
      return () => {
        if (inside) taken -= 1;
        inside = false;
      };
    },
  };
}
