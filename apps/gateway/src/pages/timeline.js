// Turns readings into the time lines of processes, and what clients saw into curves.

import { total } from './rates.js';

/**
 * Returns the processes of some readings as they were last seen, and when that was, in the order in which they started.
 * One that has ended is no longer in the newest reading, but is still part of its service's time line.
 */
export function processesOf(readings) {
  const processes = new Map();
  for (const { at, services } of readings) {
    for (const { name, replicas } of services) {
      for (const replica of replicas)
        processes.set(replica.instance, { service: name, seenAt: at, ...replica });
    }
  }
  return [...processes.values()].sort((one, other) => startOf(one) - startOf(other));
}

const startOf = ({ history }) => (history[0] ? Date.parse(history[0].at) : 0);

/** The states after which a process is no longer there. */
const over = new Set(['gone', 'unreachable']);

/**
 * Returns the parts of a process's time line between two moments: its state, and from when to when.
 *
 * @param history the changes of the process, oldest first
 */
export function partsOf(history, from, to) {
  const parts = history.map(({ state, at }, index) => ({
    state,
    from: Math.max(from, Date.parse(at)),
    to: Math.min(to, history[index + 1] ? Date.parse(history[index + 1].at) : to),
  }));
  return parts.filter((part) => part.to > part.from && !over.has(part.state));
}

/** Returns what the clients of the first service, the gateway, saw at each reading. */
export function seenByClients(readings) {
  return readings.flatMap(({ at, services }) => {
    const replicas = services[0]?.replicas ?? [];
    const perSecond = total(replicas);
    const p99 = replicas.flatMap(({ requests }) => requests?.p99Ms ?? []);
    if (!perSecond) return [];
    return [{ at, ...perSecond, p99Ms: p99.length > 0 ? Math.max(...p99) : 0 }];
  });
}

/** Returns the changes of processes between two moments, newest first. */
export function changesOf(processes, from, to) {
  return processes
    .flatMap(({ service, instance, history }) =>
      history.map(({ state, at }) => ({ service, instance, state, at: Date.parse(at) })),
    )
    .filter(({ at }) => at >= from && at <= to)
    .sort((one, other) => other.at - one.at);
}
