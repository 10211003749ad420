// What is loaded again and again while it is visible.

import { failureText } from './failure.js';

/** Interval between two requests; milliseconds. */
const intervalMs = 2_000;

/**
 * Loads now and every two seconds, while the page is visible and until the signal aborts. A failure is shown in an element.
 *
 * @param {() => Promise<void>} load also removes what the element shows, once it has succeeded
 * @returns the function that loads at once, unless a load is running
 */
export function refreshed(load, alert, signal) {
  let isLoading = false;

  async function refresh() {
    if (isLoading || document.hidden || signal.aborted) return;
    isLoading = true;
    try {
      await load();
    } catch (error) {
      if (!signal.aborted) alert.replaceChildren(...failureText(error));
    } finally {
      isLoading = false;
    }
  }

  refresh();
  const timer = setInterval(refresh, intervalMs);
  signal.addEventListener('abort', () => clearInterval(timer));
  return refresh;
}
