/**
 * Load in an open model, in a process of its own: requests come at their times whether or not earlier ones were
 * answered, as people do. It does as little per request as can be, so that the server gets the machine.
 */
import { Caller, openCallers, takeIdle } from '../../support/caller.ts';

export type OpenOrder = {
  port: number;
  path: string;
  /** The request as it goes over the wire; a GET without further headers by default. */
  request?: string;
  /** Requests a second, at random times (a Poisson process). */
  rate: number;
  seconds: number;
  /** Milliseconds after which a caller disconnects; 2,000 by default. */
  giveUpAfter?: number;
};
/** How the requests of a run ended. */
export type OpenResult = {
  /** Milliseconds from the time at which a request was due to its answer, for each answer with the status 200. */
  latencies: number[];
  /** Answers with the status 429 or 503. */
  rejected: number;
  /** Requests that were sent, and got no response or one with another status. */
  failed: number;
  /** Requests that found no free connection, so that they were not sent. */
  unsent: number;
};

/** Connections that are open from the start, as those of a load balancer are. */
const connections = 2_000;

async function run({ port, path, rate, seconds, ...order }: OpenOrder): Promise<OpenResult> {
  const { request = `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`, giveUpAfter = 2_000 } = order;
  const result: OpenResult = { latencies: [], rejected: 0, failed: 0, unsent: 0 };
  const idle = await openCallers(port, connections);
  const busy = new Set<Caller>();

  function send(dueAt: number): void {
    const caller = takeIdle(idle) ?? (busy.size < connections ? new Caller(port) : undefined);
    if (!caller) {
      result.unsent += 1;
      return;
    }
    busy.add(caller);
    caller.ask(request, dueAt, (status, now) => {
      busy.delete(caller);
      if (status !== 0) idle.push(caller);
      if (status === 200) result.latencies.push(now - dueAt);
      else if (status === 503 || status === 429) result.rejected += 1;
      else result.failed += 1;
    });
  }

  const beganAt = performance.now();
  let dueAt = beganAt;
  await every(1, (now) => {
    while (dueAt <= now && dueAt < beganAt + seconds * 1_000) {
      send(dueAt);
      dueAt += (-Math.log(1 - Math.random()) * 1_000) / rate;
    }
    for (const caller of busy) {
      if (now - caller.dueAt < giveUpAfter) break;
      caller.giveUp();
    }
    return now < beganAt + seconds * 1_000 || busy.size > 0;
  });
  for (const caller of idle) caller.giveUp();
  return result;
}

function every(ms: number, work: (now: number) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (work(performance.now())) return;
      clearInterval(timer);
      resolve();
    }, ms);
  });
}

process.on('disconnect', () => process.exit());
process.on('message', async (order: OpenOrder) => process.send?.(await run(order)));
