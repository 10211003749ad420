/**
 * Makes a pool of connections to a store. Work that finds none free waits in line, as in most drivers.
 *
 * @returns a function that runs work when a connection is free
 */
export function createPool(connections: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = connections;
  const line: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => line.push(resolve));
    try {
      return await work();
    } finally {
      const next = line.shift();
      if (next) next();
      else free += 1;
    }
  };
}
