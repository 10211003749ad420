import type { Priority } from '@slipway/contract-kit/operation';
import type { Outcome } from './counts.ts';

/** Time after which a client disconnects; milliseconds. A response counts only before that. */
export const clientTimeoutMs = 1_000;
/** The priorities of ten requests: six people wait for theirs, three are background work, and one moves money. */
const mix: readonly Priority[] = [
  ...(['interactive', 'batch', 'interactive', 'money', 'interactive'] as const),
  ...(['interactive', 'batch', 'interactive', 'batch', 'interactive'] as const),
];

/** Returns the priority of a request by its number: 0, 1, 2, … */
export const priorityOfTurn = (turn: number) => mix[turn % mix.length] as Priority;

/** Returns how many requests are due at a time after the start, whatever was answered until then. */
export function dueAfter(ms: number, requestsPerSecond: number, seconds: number): number {
  return Math.floor((Math.min(ms, seconds * 1_000) * requestsPerSecond) / 1_000);
}

/** Returns how a request with this status has ended. */
export function outcomeOf(status: number): Outcome {
  if (status === 503 || status === 429) return 'rejected';
  return status >= 200 && status < 400 ? 'answered' : 'failed';
}
