/**
 * The load of a bench, in a process of its own: each connection sends its next GET when it has its answer. It
 * does as little as can be per request, so that the server is what limits the rate: a server that waits for
 * its load handles fewer requests a turn of the loop, and each costs it more.
 */
import { connect, type Socket } from 'node:net';

export type LoadOrder = {
  port: number;
  path: string;
  requests: number;
  connections: number;
  headers?: Record<string, string>;
  /** The status of each answer that is not a failure; 200 by default. */
  status?: number;
};
export type LoadResult = { seconds: number; failures: number };

async function run(order: LoadOrder): Promise<LoadResult> {
  const { port, path, requests, connections, headers = {}, status = 200 } = order;
  const fields = Object.entries({ host: `127.0.0.1:${port}`, ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  const request = [`GET ${path} HTTP/1.1`, ...fields, '', ''].join('\r\n');
  const shares = Array.from({ length: connections }, (_, index) =>
    Math.floor((requests + index) / connections),
  );
  const startedAt = performance.now();
  const failures = await Promise.all(
    shares.map((share) => sendOn(connect(port, '127.0.0.1'), request, share, String(status))),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  return { seconds, failures: failures.reduce((sum, each) => sum + each, 0) };
}

/** Sends `share` requests on one connection and counts the answers with another status. Answers fit in one packet. */
function sendOn(socket: Socket, request: string, share: number, status: string): Promise<number> {
  let left = share;
  let failures = 0;
  return new Promise((resolve, reject) => {
    socket.setNoDelay(true).once('error', reject);
    socket.on('data', (answer) => {
      if (!answer.toString('latin1', 0, 12).endsWith(status)) failures += 1;
      left -= 1;
      if (left > 0) return socket.write(request);
      socket.destroy();
      resolve(failures);
    });
    socket.write(request);
  });
}

process.on('disconnect', () => process.exit());
process.on('message', async (order: LoadOrder) => process.send?.(await run(order)));
