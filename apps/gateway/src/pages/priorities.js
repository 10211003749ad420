// Turns readings into the requests of each service by priority.

import { extreme, isThere, total } from './rates.js';

const order = ['money', 'interactive', 'batch'];

/** What was computed before: a reading does not change, and is asked for at each of the next ones. */
const computed = new WeakMap();

/**
 * Returns the requests of a reading by service and priority, from the highest priority to the lowest: those of all
 * processes that respond, with their highest percentiles. The rates are unknown at the first reading.
 */
export function requestsOf(reading) {
  const made = computed.get(reading) ?? reading.services.flatMap(ofService);
  computed.set(reading, made);
  return made;
}

function ofService({ name, replicas }) {
  const all = replicas.filter(isThere).flatMap(({ priorities = [] }) => priorities);
  const byPriority = Map.groupBy(all, ({ priority }) => priority);
  return order
    .filter((priority) => byPriority.has(priority))
    .map((priority) => ({ service: name, priority, ...addUp(byPriority.get(priority)) }));
}

/** Offered are all requests; served are those that neither failed nor were rejected. */
function addUp(parts) {
  const { count, failed, rejected } = total(parts) ?? {};
  const [p50Ms, p99Ms] = ['p50Ms', 'p99Ms'].map((name) => extreme(Math.max, parts, name));
  if (count === undefined) return { p50Ms, p99Ms };
  return { offered: count + rejected, served: count - failed, failed, rejected, p50Ms, p99Ms };
}

/** Returns the requests of one service and priority at each reading; only the time if there were none. */
export function pastOf(readings, { service, priority }) {
  return readings.map((reading) => {
    const found = requestsOf(reading).find((each) => each.service === service && each.priority === priority);
    return { ...found, at: reading.at };
  });
}

/** Returns how many requests were rejected during some readings, from the rates at each. */
export function rejectedIn(past) {
  return past.reduce((sum, { at, rejected = 0 }, index) => {
    const before = past[index - 1];
    return before ? sum + (rejected * (at - before.at)) / 1_000 : sum;
  }, 0);
}
