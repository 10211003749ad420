import type { Priority } from '@slipway/contract-kit/operation';

/** The client and priority of a call to another service: neither can use all of an upstream's slots. */
export type CallShare = {
  /** Returns the name of the client. */
  client: () => string;
  priority: Priority;
};
