import type { Priority } from '@slipway/contract-kit/operation';

/**
 * Maximum queue time of each priority in milliseconds: the time that a request may lose to others, in the admission
 * queue or in a busy store. Requests that cost money may wait longer: their clients retry them with the same key anyway.
 */
export const maxQueueTime: Record<Priority, number> = { money: 400, interactive: 200, batch: 200 };

/**
 * Maximum queue time of a process that is slow because it is cold or gets too little CPU; milliseconds. Pods
 * that start together compete for CPU with each other and with serving pods for about this long.
 */
export const slowMaxQueueTime = 3_000;

/**
 * Returns the priority of a request before its token is checked. Anyone can send a request to a route that costs money,
 * so its priority is granted to people whose token was verified before. A token that is not verified yet may be a
 * person's, whose first request this is: it goes with the others. A request without the token that its route requires
 * will be rejected, and goes last.
 */
export function earnedPriority(route: Priority, { isKnown, hasToken }: Credentials): Priority {
  if (isKnown) return route;
  if (!hasToken) return 'batch';
  return route === 'money' ? 'interactive' : route;
}

type Credentials = { isKnown: boolean; hasToken: boolean };
