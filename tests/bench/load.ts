/**
 * The load of a bench, in a process of its own: sends GETs over keep-alive connections, a fixed number at a
 * time, so that a slow server is never flooded and every round has the same work.
 */
import { Pool } from 'undici';

export type LoadOrder = {
  origin: string;
  path: string;
  requests: number;
  connections: number;
  headers?: Record<string, string>;
};
export type LoadResult = { seconds: number; failures: number };

async function run({ origin, path, requests, connections, headers }: LoadOrder): Promise<LoadResult> {
  const pool = new Pool(origin, { connections });
  let left = requests;
  let failures = 0;
  const connection = async () => {
    while (left > 0) {
      left -= 1;
      const { statusCode, body } = await pool.request({ method: 'GET', path, headers });
      await body.dump();
      if (statusCode !== 200) failures += 1;
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: connections }, connection));
  const seconds = (performance.now() - startedAt) / 1000;
  await pool.close();
  return { seconds, failures };
}

process.on('message', async (order: LoadOrder) => process.send?.(await run(order)));
