/**
 * Sends the same requests to a naive caller and to one on the platform, whose upstream has a fault:
 *
 *   node examples/labs/calls/measure.ts slow       responds after 800 ms, and callers wait for 500 ms
 *   node examples/labs/calls/measure.ts failing    responds 503
 *   node examples/labs/calls/measure.ts hanging    never responds, and callers wait for 1 s if they have a limit
 */
import { createServer, get, type RequestListener } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { listen } from '../../support/ports.ts';
import { startReplica, untilListens } from '../../support/replica.ts';

const requests = 30;
/** Milliseconds between two requests, and after the last one until the result. */
const [pause, observed] = [50, 5_000];

type Scene = { upstream: RequestListener; timeout: number; naive?: Record<string, string> };

const scenes: Record<string, Scene> = {
  slow: {
    upstream: (_request, response) => void setTimeout(() => response.end('late'), 800),
    timeout: 500,
    naive: { TIMEOUT_MS: '500' },
  },
  failing: { upstream: (_request, response) => void response.writeHead(503).end(), timeout: 5_000 },
  hanging: { upstream: () => undefined, timeout: 1_000 },
};

/** Sends a request and reports when it has a response, whatever it is. */
function send(port: number, timeout: number, finished: () => void): void {
  const headers = { 'x-request-timeout-ms': String(timeout) };
  const request = get({ host: '127.0.0.1', port, headers, agent: false }, (response) => {
    response.resume();
    response.once('end', finished);
  });
  request.once('error', () => undefined);
}

async function measure(program: string, { upstream, timeout, naive }: Scene): Promise<string> {
  let received = 0;
  const next = createServer((request, response) => {
    received += 1;
    upstream(request, response);
  });
  const NEXT_URL = `http://127.0.0.1:${await listen(next)}`;
  const env = { NEXT_URL, LOG_LEVEL: 'silent', ...(program === 'naive.ts' ? naive : {}) };
  const caller = await startReplica(new URL(program, import.meta.url), env);
  await untilListens(caller.port);
  let open = requests;
  for (let n = 0; n < requests; n += 1) {
    send(caller.port, timeout, () => {
      open -= 1;
    });
    await wait(pause);
  }
  await wait(observed);
  const result = `${requests} requests, ${received} calls to the upstream; ${open} without a response`;
  caller.stop('SIGKILL');
  next.close();
  next.closeAllConnections();
  return `${program}: ${result}`;
}

const scene = scenes[process.argv[2] ?? ''];
if (!scene) throw new Error(`Usage: measure.ts ${Object.keys(scenes).join('|')}`);
console.log(await measure('naive.ts', scene));
console.log(await measure('main.ts', scene));
