import { setImmediate as nextIteration } from 'node:timers/promises';

/** Milliseconds of work after which a break is due. */
const maxWork = 5;

/**
 * Makes the function that a long piece of work calls between its steps: when the steps since the last break have taken
 * 5 ms, it returns a promise of the next iteration of the event loop, otherwise `undefined`.
 *
 * @example
 * const breakDue = takeBreaks();
 * for (const line of lines) {
 *   handle(line);
 *   await breakDue();
 * }
 */
export function takeBreaks(now = () => performance.now()): () => Promise<void> | undefined {
  let since = now();
  return () => {
    if (now() - since < maxWork) return undefined;
    return nextIteration().then(() => {
      since = now();
    });
  };
}
