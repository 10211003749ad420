import type { Fault } from '@slipway/contract-kit/experiment';

/** The faults that an experiment has caused in a process. */
export type Faults = {
  /** The fault of the service's own requests; absent if there is none. */
  readonly service: Fault | undefined;
  /** The fault of its store's commands; absent if there is none. */
  readonly store: Fault | undefined;
  /**
   * Waits, but no longer than the fault lasts.
   *
   * @param ms milliseconds; by default as long as the fault lasts
   * @param onWait receives the function that ends the wait early
   * @returns whether the fault has ended
   */
  wait(ms?: number, onWait?: (end: () => void) => void): Promise<boolean>;
};

/** For dependencies that have no faults. */
export const noFaults: Faults = { service: undefined, store: undefined, wait: async () => true };
