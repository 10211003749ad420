import type { App } from '../core/app.ts';

/**
 * Discards what a client still sends after the response, such as the rest of a rejected body, and closes the connection
 * if the client does not finish in time. Closing immediately would reset the connection, and the client could lose the
 * response that explains the rejection.
 *
 * @param timeoutMs how long the client may continue to send; milliseconds
 */
export function registerLinger(app: App, timeoutMs = 5_000): void {
  app.addHook('onResponse', ({ raw }, _reply, done) => {
    done();
    if (raw.complete) return;
    raw.resume();
    const timer = setTimeout(() => raw.complete || raw.destroy(), timeoutMs);
    raw.once('close', () => clearTimeout(timer));
  });
}
