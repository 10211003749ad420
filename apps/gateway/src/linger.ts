import type { App } from '@slipway/platform/core/app';

/**
 * Reads what a client still sends after it was answered, such as the rest of a body that was refused, and
 * closes the connection if that goes on. Closing at once would reset the connection, and the client would
 * lose the answer that tells it why.
 *
 * @param patience milliseconds
 */
export function registerLinger(app: App, patience = 5_000): void {
  app.addHook('onResponse', async ({ raw }) => {
    if (raw.complete) return;
    raw.resume();
    const timer = setTimeout(() => raw.complete || raw.destroy(), patience);
    raw.once('close', () => clearTimeout(timer));
  });
}
