import { Worker } from 'node:worker_threads';
import { type Priority, priorities } from '@slipway/contract-kit/operation';
import { problem } from '@slipway/contracts/errors';
import { type Load, type LoadOrder, maxLoad } from '@slipway/contracts/gateway';
import { type Discovery, discover } from '@slipway/platform/calls/discovery';
import type { Logger } from '@slipway/platform/telemetry/log';
import { SharedCounts } from './counts.ts';
import { clientTimeoutMs } from './rules.ts';
import type { WorkerOrder } from './worker.ts';

/** The module of the thread: a bundle has it under another name, beside all other code. */
const worker = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './load-worker.js', import.meta.url);

/** Interval at which the thread gets the addresses of the service; milliseconds. */
const refreshMs = 1_000;
/** Time after its end at which a thread that has not ended is terminated; milliseconds. */
const stuckMs = 10_000;

/** Maximum requests in flight, which bounds the connections: all of the highest rate, if none is answered in time. */
const defaultMaxInFlight = (maxLoad.requestsPerSecond * clientTimeoutMs) / 1_000;

type Options = {
  /** Returns the address of a service, in one of the forms that `discover` reads. */
  addressOf: (service: LoadOrder['service']) => string;
  /** Returns the path to request by priority. */
  pathOf: (priority: Priority) => string;
  /** The secret that the service expects. */
  token: string;
  log: Pick<Logger, 'error'>;
  /** Changes for tests. */
  maxInFlight?: number;
};

type Running = {
  load: Omit<Load, keyof ReturnType<SharedCounts['read']>>;
  counts: SharedCounts;
  stop(): void;
};

/**
 * Sends a load to a service, in a thread of its own, so that it does not take the event loop of the gateway. A new load
 * replaces the one that runs. A load ends by itself, and immediately when the gateway drains.
 */
export class LoadGenerator {
  readonly #options: Options;
  #last: Running | undefined;
  #isClosed = false;
  /** The number of starts and stops so far. */
  #orders = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  /** The load that runs, or the last one; absent if there was none. */
  get state(): Load | undefined {
    return this.#last && { ...this.#last.load, ...this.#last.counts.read() };
  }

  /**
   * Starts a load.
   *
   * @throws {Problem} unavailable, if the service has no address, or this gateway drains; conflict, if another load was
   * started or stopped before this one could
   */
  async start(order: LoadOrder): Promise<Load> {
    const { service } = order;
    this.#orders += 1;
    const own = this.#orders;
    const discovery = discover(service, this.#options.addressOf(service));
    try {
      await discovery.ready();
    } catch (cause) {
      discovery.close();
      throw problem('unavailable', `${service} has no address`, { cause });
    }
    if (this.#isClosed) {
      discovery.close();
      throw problem('unavailable', 'This gateway is stopping', { retryAfter: 1 });
    }
    if (own !== this.#orders) {
      discovery.close();
      throw problem('conflict', 'Another load was started or stopped at the same time');
    }
    this.stop();
    this.#last = this.#run(order, discovery);
    return { ...this.#last.load, ...this.#last.counts.read() };
  }

  /** Ends the load immediately, with its requests in flight. */
  stop(): void {
    this.#orders += 1;
    this.#last?.stop();
  }

  /** Ends the load, and starts no other one. */
  close(): void {
    this.#isClosed = true;
    this.stop();
  }

  #run({ service, requestsPerSecond, seconds }: LoadOrder, discovery: Discovery): Running {
    const counts = new SharedCounts();
    const { pathOf, token, log, maxInFlight = defaultMaxInFlight } = this.#options;
    const paths = Object.fromEntries(priorities.map((priority) => [priority, pathOf(priority)]));
    const workerData: WorkerOrder = {
      ...{ requestsPerSecond, seconds, maxInFlight, paths, token },
      origins: discovery.origins(),
      counts: counts.buffer,
    };
    const thread = new Worker(worker, { workerData });
    const now = Date.now();
    const load = {
      ...{ isRunning: true, service, requestsPerSecond },
      startedAt: new Date(now).toISOString(),
      endsAt: new Date(now + seconds * 1_000).toISOString(),
    };
    const refresh = setInterval(() => thread.postMessage(discovery.origins()), refreshMs).unref();
    // The thread ends by itself, unless it is stuck.
    const deadline = setTimeout(stop, seconds * 1_000 + clientTimeoutMs + stuckMs).unref();
    function stop(): void {
      load.isRunning = false;
      clearInterval(refresh);
      clearTimeout(deadline);
      discovery.close();
      void thread.terminate();
    }
    thread.once('exit', stop);
    // An exit follows.
    thread.on('error', (error) => log.error(error, 'the load has failed'));
    return { load, counts, stop };
  }
}
