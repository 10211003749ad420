import type { Access, Priority } from '@slipway/contract-kit/operation';

/**
 * Maximum queue time of each priority in milliseconds: the time that a request may lose to others, in the admission
 * queue or in a busy store. Requests that cost money may wait longer: their clients retry them with the same key anyway.
 */
export const maxQueueTime: Record<Priority, number> = { money: 400, interactive: 200, batch: 200 };

/** Returns the priority of a route. Calls between services are `batch` by default: their callers can retry later. */
export function priorityOf({ priority, access }: { priority?: Priority; access?: Access } = {}): Priority {
  return priority ?? (access === 'service' ? 'batch' : 'interactive');
}
