import { setTimeout as wait } from 'node:timers/promises';
import { backoff } from '@slipway/platform/core/backoff';
import type { MongoClient } from 'mongodb';

/** Delays between two attempts to connect; milliseconds. */
const delays = { base: 500, max: 1_000 };

/**
 * Connects a client anew when its look-out for the server is stuck. The driver (7.9.0) waits for ever when it writes
 * to the look-out's socket just after that was closed, as happens when a server is killed: `write` answers false, and
 * the `drain` that is then awaited never comes. Without the look-out the server is never found again.
 *
 * @param overdue milliseconds after which a look that neither succeeded nor failed counts as stuck
 * @returns a function that ends the watch
 * @see node_modules/mongodb/lib/cmap/connection.js, writeCommand
 */
export function watchMonitor(client: MongoClient, overdue: number): () => void {
  const looking = new Map<string, NodeJS.Timeout>();
  const ending = new AbortController();
  const { signal } = ending;

  const answered = ({ connectionId }: { connectionId: string }) => {
    clearTimeout(looking.get(connectionId));
    looking.delete(connectionId);
  };
  const reset = () => {
    for (const timer of looking.values()) clearTimeout(timer);
    looking.clear();
  };
  async function reconnect(): Promise<void> {
    reset();
    await client.close().catch(() => undefined);
    // Each attempt ends by the client's own time limit for finding a server, or at once when DNS does not know one.
    for (let retry = 0; !signal.aborted && !(await connected(client)); retry += 1) await pause(retry, signal);
    if (signal.aborted) await client.close();
  }

  client.on('serverHeartbeatSucceeded', answered);
  client.on('serverHeartbeatFailed', answered);
  client.on('serverHeartbeatStarted', (started) => {
    answered(started);
    if (!signal.aborted) looking.set(started.connectionId, setTimeout(reconnect, overdue).unref());
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
