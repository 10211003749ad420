import { setTimeout as wait } from 'node:timers/promises';
import { backoff } from '@slipway/platform/core/backoff';
import type { MongoClient } from 'mongodb';

/** Delays between two attempts to connect; milliseconds. */
const delays = { base: 500, max: 1_000 };

/**
 * Reconnects a client when its monitor of the server is stuck. The driver (7.9.0) waits forever if it writes to the
 * monitor's socket just after the socket was closed, as happens when a server is killed: `write` returns false, and the
 * `drain` that is then awaited never comes. Without its monitor the client never finds the server again.
 *
 * @param overdue how long a check may take before it counts as stuck; milliseconds
 * @returns a function that ends the watch
 * @see node_modules/mongodb/lib/cmap/connection.js, writeCommand
 */
export function watchMonitor(client: MongoClient, overdue: number): () => void {
  const checks = new Map<string, NodeJS.Timeout>();
  const ending = new AbortController();
  const { signal } = ending;

  const answered = ({ connectionId }: { connectionId: string }) => {
    clearTimeout(checks.get(connectionId));
    checks.delete(connectionId);
  };
  const reset = () => {
    for (const timer of checks.values()) clearTimeout(timer);
    checks.clear();
  };
  async function reconnect(): Promise<void> {
    reset();
    await client.close().catch(() => undefined);
    // Each attempt ends by the timeout of server selection, or immediately if DNS does not know the server.
    for (let retry = 0; !signal.aborted && !(await connected(client)); retry += 1) await pause(retry, signal);
    if (signal.aborted) await client.close();
  }

  client.on('serverHeartbeatSucceeded', answered);
  client.on('serverHeartbeatFailed', answered);
  client.on('serverHeartbeatStarted', (started) => {
    answered(started);
    if (!signal.aborted) checks.set(started.connectionId, setTimeout(reconnect, overdue).unref());
  });
  client.on('serverClosed', () => reset());
  return () => {
    ending.abort();
    reset();
  };
}

async function connected(client: MongoClient): Promise<boolean> {
  return client.connect().then(
    () => true,
    () => false,
  );
}

async function pause(retry: number, signal: AbortSignal): Promise<void> {
  await wait(backoff(retry, delays), undefined, { signal, ref: false }).catch(() => undefined);
}
