import { Agent, get } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

/** Requests by outcome: `ok`, another status such as `503`, `too late`, `cut off`, or a connection error code. */
export type Outcomes = Record<string, number>;

export type LoadOptions = {
  path?: string;
  /** Milliseconds after which the client gives up. */
  timeout?: number;
};

/** A client that sends requests at a constant rate, and never tries a request again. */
export type Load = {
  /** Stops sending, waits for the last response, and returns the counts. */
  stop(): Promise<Outcomes>;
};

/**
 * Sends requests to a port until it is stopped. Like a browser or a load balancer, it reuses its connections.
 *
 * @param rate requests per second
 */
export function startLoad(port: number, rate: number, options: LoadOptions = {}): Load {
  const agent = new Agent({ keepAlive: true });
  const outcomes: Outcomes = {};
  const pending = new Set<Promise<void>>();
  const beganAt = performance.now();
  let sent = 0;

  function send(): void {
    sent += 1;
    const request = outcomeOf(port, agent, options).then((outcome) => {
      note(outcomes, outcome);
      pending.delete(request);
    });
    pending.add(request);
  }
  const timer = setInterval(() => {
    while (sent < ((performance.now() - beganAt) * rate) / 1_000) send();
  }, 5);

  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(pending);
      agent.destroy();
      return outcomes;
    },
  };
}

/** Sends requests one after the other, and returns the counts. */
export async function sendInTurn(count: number, port: number): Promise<Outcomes> {
  const agent = new Agent({ keepAlive: true });
  const outcomes: Outcomes = {};
  for (let sent = 0; sent < count; sent += 1) note(outcomes, await outcomeOf(port, agent));
  agent.destroy();
  return outcomes;
}

/** Sends load for a time, and returns the counts. */
export async function loadFor(
  ms: number,
  port: number,
  rate: number,
  options?: LoadOptions,
): Promise<Outcomes> {
  const load = startLoad(port, rate, options);
  await wait(ms);
  return load.stop();
}

function note(outcomes: Outcomes, outcome: string): void {
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
}

function outcomeOf(
  port: number,
  agent: Agent,
  { path = '/', timeout = 10_000 }: LoadOptions = {},
): Promise<string> {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path, agent }, (response) => {
      const { statusCode } = response;
      response.resume();
      response.once('end', () => resolve(statusCode === 200 ? 'ok' : String(statusCode)));
    });
    const timer = setTimeout(() => request.destroy(new Error('too late')), timeout);
    request.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    request.once('close', () => {
      clearTimeout(timer);
      resolve('cut off');
    });
  });
}

/**
 * Writes counts as one line.
 *
 * @example
 * describe({ ok: 363, ECONNRESET: 37 }); // '37 of 400 requests failed (37 ECONNRESET)'
 */
export function describe(outcomes: Outcomes): string {
  const { ok = 0, ...failures } = outcomes;
  const failed = Object.values(failures).reduce((sum, count) => sum + count, 0);
  const reasons = Object.entries(failures).map(([reason, count]) => `${count} ${reason}`);
  return `${failed} of ${ok + failed} requests failed${failed ? ` (${reasons.join(', ')})` : ''}`;
}
