import { setTimeout as wait } from 'node:timers/promises';

/**
 * `draining`: still serving, but new traffic should go elsewhere. `closing`: the port is closed, what is in
 * flight finishes and the store closes.
 */
const states = ['starting', 'ready', 'draining', 'closing', 'stopped'] as const;

export type State = (typeof states)[number];

/** Something the service cannot do its work without, such as its store. `check` rejects when it is away. */
export type Dependency = { name: string; check: () => Promise<void> };

export type DependencyState = { name: string; up: boolean; error?: string };

/** How long a readiness probe waits for one dependency; milliseconds. Half of a usual probe timeout. */
const checkTimeout = 500;

/** Where a service is between start and stop, and whether the systems it needs answer. */
export class Lifecycle {
  readonly dependencies: Dependency[];
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

  /** Moves on. Never back: a stop that came during the start must not end as "ready". */
  advance(to: State): void {
    if (states.indexOf(to) > states.indexOf(this.#state)) this.#state = to;
  }

  /** Whether new traffic is welcome, with the reason in detail. */
  async readiness(): Promise<{ ready: boolean; dependencies: DependencyState[] }> {
    const dependencies = await Promise.all(this.dependencies.map(stateOf));
    return { ready: this.#state === 'ready' && dependencies.every(({ up }) => up), dependencies };
  }
}

async function stateOf({ name, check }: Dependency): Promise<DependencyState> {
  const answered = new AbortController();
  try {
    await Promise.race([check(), late(answered.signal)]);
    return { name, up: true };
  } catch (error) {
    return { name, up: false, error: error instanceof Error ? error.message : String(error) };
  } finally {
    answered.abort();
  }
}

/** Rejects when the check's time is over; settles quietly when `signal` says that the answer came. */
async function late(signal: AbortSignal): Promise<void> {
  await wait(checkTimeout, undefined, { signal }).catch(() => undefined);
  if (!signal.aborted) throw new Error(`no answer in ${checkTimeout} ms`);
}
