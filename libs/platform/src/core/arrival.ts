import type { IncomingMessage } from 'node:http';

const arrivals = new WeakMap<IncomingMessage, number>();

/** Notes when a request came that had to wait, on the clock of `performance.now()`. */
export function noteArrival(request: IncomingMessage, at: number): void {
  arrivals.set(request, at);
}

/** When a request came: its measurement and its deadline begin there, and not when its turn came. */
export function arrivalOf(request: IncomingMessage): number {
  return arrivals.get(request) ?? performance.now();
}
