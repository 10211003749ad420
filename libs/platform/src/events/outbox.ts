import type { DomainEvent } from '@slipway/contract-kit/event';

/** Events that were written with their aggregate and wait to be delivered. */
export type OutboxStore = {
  /** The oldest undelivered events, in the order in which they were written. */
  pending(limit: number): Promise<DomainEvent[]>;
  /** Takes events out of the outbox once their reader has them. */
  delivered(ids: string[]): Promise<void>;
  /** How many wait, and since when the oldest does. */
  backlog(): Promise<{ depth: number; oldestAt?: string }>;
  /** Calls `listener` whenever this process has written events, so that they need not wait for the next look. */
  onAdded(listener: () => void): void;
};
