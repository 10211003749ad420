import { setTimeout as wait } from 'node:timers/promises';

/** Connections of the pool, and milliseconds of one query: 40 queries per second at most. */
const connections = 4;
const queryTime = 100;

/** Stands for a database with a pool of connections. A query waits until a connection is free, as in most drivers. */
export function createStore(): () => Promise<void> {
  let free = connections;
  const waiting: (() => void)[] = [];
  return async () => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    await wait(queryTime);
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  };
}
