import { setTimeout as wait } from 'node:timers/promises';

/** How a request ended for the client that sent it. `shed`: refused with 503, told when to come again. */
export type Verdict = { outcome: 'ok' | 'shed' | 'failed'; detail: string };

export type Exchange = {
  /** Name of the operation. */
  name: string;
  /** Sends the request, once. Never rejects: whatever goes wrong is a verdict. */
  send: () => Promise<Verdict>;
};

export type Sample = Verdict & {
  name: string;
  /** When the request was due, on the clock of `performance.now()`; milliseconds. */
  dueAt: number;
  /** From when the request was due to the last byte of its answer; milliseconds. */
  latency: number;
};

export type Load = {
  /** The responses so far. */
  samples: readonly Sample[];
  /** Sends no more and resolves with every sample when the last request is answered. */
  stop(): Promise<Sample[]>;
};

/** Requests without an answer at one time, above which the client and not the system is what fails. */
const mostInFlight = 2_000;
/** How often due requests are looked for; milliseconds. */
const tick = 5;
/** A load that nobody stops ends by itself; milliseconds. */
const longest = 300_000;

/**
 * Sends requests at a constant rate, however long the answers take: an open model, as independent users are. A client
 * that waits for an answer before it sends the next request would send little while a system is in trouble, and so
 * hide the trouble. For the same reason the latency counts from when a request was due, not from when it was sent.
 *
 * @param rate requests a second
 * @param next makes the request of each turn: 0, 1, 2, …
 * @example
 * const load = startLoad(100, () => ({ name: 'getMe', send: () => get('/api/v1/users/me') }));
 * await restart('gateway');
 * const samples = await load.stop();
 */
export function startLoad(rate: number, next: (turn: number) => Exchange): Load {
  const interval = 1_000 / rate;
  const begin = performance.now();
  const samples: Sample[] = [];
  const inFlight = new Set<Promise<void>>();
  let on = true;

  async function measure({ name, send }: Exchange, dueAt: number): Promise<void> {
    const verdict: Verdict =
      inFlight.size < mostInFlight
        ? await send()
        : { outcome: 'failed', detail: `the client has ${mostInFlight} requests without an answer` };
    samples.push({ ...verdict, name, dueAt, latency: performance.now() - dueAt });
  }

  async function sendAllThatIsDue(): Promise<void> {
    let dueAt = begin;
    for (let turn = 0; on && dueAt - begin < longest; ) {
      while (dueAt <= performance.now()) {
        const exchange = measure(next(turn), dueAt);
        inFlight.add(exchange);
        exchange.finally(() => inFlight.delete(exchange));
        turn += 1;
        dueAt = begin + turn * interval;
      }
      await wait(tick);
    }
  }

  const sending = sendAllThatIsDue();
  return {
    samples,
    async stop() {
      on = false;
      await sending;
      await Promise.all(inFlight);
      return samples;
    },
  };
}
