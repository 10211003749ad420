import { setTimeout as wait } from 'node:timers/promises';
import type { MongoClient } from 'mongodb';

/** Longest pause between two attempts to connect; milliseconds. */
const longestPause = 500;

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
    while (!signal.aborted && !(await connected(client))) await pause(signal);
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

/** Not the same for all replicas, so that they do not come back at the same moment. */
async function pause(signal: AbortSignal): Promise<void> {
  const ms = longestPause * (0.5 + Math.random() / 2);
  await wait(ms, undefined, { signal, ref: false }).catch(() => undefined);
}
