import type { DomainEvent } from '@slipway/contract-kit/event';

/** The events that were written with their aggregates and are not delivered yet. */
export type OutboxStore = {
  /** Returns the oldest undelivered events, in the order in which they were written. */
  pending(limit: number): Promise<DomainEvent[]>;
  /** Removes events that were delivered. */
  delivered(ids: string[]): Promise<void>;
  /** Returns the number of undelivered events, and the time of the oldest. */
  backlog(): Promise<{ depth: number; oldestAt?: string }>;
  /** Calls `listener` whenever this process has written events, so that they need not wait for the next poll. */
  onAdded(listener: () => void): void;
};
