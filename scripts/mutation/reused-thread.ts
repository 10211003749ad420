import { EventEmitter } from 'node:events';
import {
  type PoolOptions,
  type PoolRunnerInitializer,
  type PoolWorker,
  ThreadsPoolWorker,
  type WorkerRequest,
} from 'vitest/node';

/** Number of test runs after which a thread is replaced, which bounds what a mutant can leave behind for later ones. */
const maxRuns = 100;

let current: { thread: ThreadsPoolWorker; runs: number } | undefined;

/**
 * Runs tests in a thread that later test runs use, too. Vitest ends its threads after each run; for a mutant, loading
 * the packages again takes longer than the tests.
 */
class ReusedThread implements PoolWorker {
  readonly name = 'reused-thread';
  readonly #events = new EventEmitter();
  readonly #options: PoolOptions;
  readonly #forwarders = ['message', 'error', 'exit'].map(
    (event) => [event, (...values: unknown[]) => this.#events.emit(event, ...values)] as const,
  );
  #isReusable = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  get #thread(): ThreadsPoolWorker {
    if (!current) throw new Error('The thread has ended');
    return current.thread;
  }

  on(event: string, callback: (...values: unknown[]) => void): void {
    this.#events.on(event, callback);
  }

  off(event: string, callback: (...values: unknown[]) => void): void {
    this.#events.off(event, callback);
  }

  /** Vitest asks a thread to stop only when all its tests have ended; the answer leaves the thread running. */
  send(message: WorkerRequest): void {
    if (message.type === 'stop') {
      this.#isReusable = true;
      this.#events.emit('message', { type: 'stopped', __vitest_worker_response__: true });
    } else {
      this.#thread.send(message);
    }
  }

  deserialize(data: unknown): unknown {
    return data;
  }

  async start(): Promise<void> {
    if (!current) {
      current = { thread: new ThreadsPoolWorker(this.#options), runs: 0 };
      await current.thread.start();
    }
    for (const [event, forward] of this.#forwarders) this.#thread.on(event, forward);
  }

  async stop(): Promise<void> {
    if (!current) return;
    const { thread, runs } = current;
    for (const [event, forward] of this.#forwarders) thread.off(event, forward);
    current = this.#isReusable && runs < maxRuns ? { thread, runs: runs + 1 } : undefined;
    if (!current) await thread.stop();
  }
}

/** Ends the thread, which would keep the process running. */
export async function endThread(): Promise<void> {
  await current?.thread.stop();
  current = undefined;
}

export const reusedThread: PoolRunnerInitializer = {
  name: 'reused-thread',
  createPoolWorker: (options) => new ReusedThread(options),
};
