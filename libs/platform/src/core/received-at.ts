import type { IncomingMessage } from 'node:http';

const queuedAt = new WeakMap<IncomingMessage, number>();

/** Records when a request was received that had to wait in a queue, on the clock of `performance.now()`. */
export function setReceivedAt(request: IncomingMessage, at: number): void {
  queuedAt.set(request, at);
}

/** Returns when a request was received: its duration and its deadline include its time in the queue. */
export function receivedAt(request: IncomingMessage): number {
  return queuedAt.get(request) ?? performance.now();
}
