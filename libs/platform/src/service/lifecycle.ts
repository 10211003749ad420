import { setTimeout as wait } from 'node:timers/promises';

/**
 * `draining`: the service still serves, but new traffic should go to other replicas. `closing`: the port is closed;
 * requests in flight end and the store closes.
 */
const states = ['starting', 'ready', 'draining', 'closing', 'stopped'] as const;

export type State = (typeof states)[number];

/** A system that the service needs, such as its store. `check` rejects if it is unreachable. */
export type Dependency = { name: string; check: () => Promise<void> };

export type DependencyState = { name: string; up: boolean; error?: string };

/** Milliseconds that a readiness probe waits for one dependency: half of a usual probe timeout. */
const checkTimeout = 500;

/** The state of a service from start to stop, and of the systems that it needs. */
export class Lifecycle {
  readonly dependencies: Dependency[];
  /** Notices for everyone who looks at the system, such as a setting that is for tests only. */
  readonly notices: string[] = [];
  #state: State = 'starting';

  constructor(dependencies: Dependency[] = []) {
    this.dependencies = dependencies;
  }

  get state(): State {
    return this.#state;
  }

  get stopping(): boolean {
    return this.#state !== 'starting' && this.#state !== 'ready';
  }

  /** Moves to a later state, never back: a service that is stopped during its start must not become ready. */
  advance(to: State): void {
    if (states.indexOf(to) > states.indexOf(this.#state)) this.#state = to;
  }

  /** Returns whether the service accepts new traffic, with the state of each dependency. */
  async readiness(): Promise<{ ready: boolean; dependencies: DependencyState[] }> {
    const dependencies = await Promise.all(this.dependencies.map(stateOf));
    return { ready: this.#state === 'ready' && dependencies.every(({ up }) => up), dependencies };
  }
}

async function stateOf({ name, check }: Dependency): Promise<DependencyState> {
  const answered = new AbortController();
  try {
    await Promise.race([check(), timeout(answered.signal)]);
    return { name, up: true };
  } catch (error) {
    return { name, up: false, error: error instanceof Error ? error.message : String(error) };
  } finally {
    answered.abort();
  }
}

/** Rejects when the time for a check is over; resolves when `signal` aborts because the check has ended. */
async function timeout(signal: AbortSignal): Promise<void> {
  await wait(checkTimeout, undefined, { signal }).catch(() => undefined);
  if (!signal.aborted) throw new Error(`no answer in ${checkTimeout} ms`);
}
