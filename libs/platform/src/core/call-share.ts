import type { Priority } from '@slipway/contract-kit/operation';

/** On whose behalf a call to another service is made: no client, and no priority, can use all of an upstream's slots. */
export type CallShare = {
  /** Returns the name of the client. */
  client: () => string;
  priority: Priority;
};
