import type { Access, Priority } from '@slipway/contract-kit/operation';

/**
 * How long a request of a class may be kept waiting because others are served, milliseconds: in the queue, or by a
 * store that has too much to do. What costs money bears most: it is asked for again anyway, with the same key.
 */
export const patience: Record<Priority, number> = { money: 400, interactive: 200, batch: 200 };

/** The class of a route. What another service asks can be asked again: events and imports wait in a store. */
export function priorityOf({ priority, access }: { priority?: Priority; access?: Access } = {}): Priority {
  return priority ?? (access === 'service' ? 'batch' : 'interactive');
}
