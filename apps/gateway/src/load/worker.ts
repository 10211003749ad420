import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { SharedCounts } from './counts.ts';
import { priorityOfTurn } from './rules.ts';
import { sendLoad } from './send.ts';

/** The load that the gateway gives to its thread. */
export type WorkerOrder = {
  requestsPerSecond: number;
  seconds: number;
  maxInFlight: number;
  /** The addresses of the service's replicas. A message replaces them. */
  origins: string[];
  /** The path of a request by its priority. */
  paths: Record<string, string>;
  token: string;
  counts: SharedArrayBuffer;
};

async function run(port: MessagePort, { paths, token, counts, ...order }: WorkerOrder): Promise<void> {
  let { origins } = order;
  port.on('message', (found: string[]) => {
    origins = found;
  });
  const urlOf = (turn: number) => new URL(`${origins[turn % origins.length]}${paths[priorityOfTurn(turn)]}`);
  await sendLoad(
    { ...order, urlOf, headers: { authorization: `Bearer ${token}` } },
    new SharedCounts(counts),
  );
  port.close();
}

// There is no parent while an image fills its compile cache.
if (parentPort) await run(parentPort, workerData);
