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

/** A change that the service went through; `unready`: a dependency went down. */
export type Change = { state: State | 'unready'; at: string };

/** Maximum number of changes that are stored: a dependency may go up and down for days. */
const maxChanges = 20;

/** The state of a service from start to stop, and of the systems that it needs. */
export class Lifecycle {
  readonly dependencies: Dependency[];
  /** Notices for everyone who looks at the system, such as a setting that is for tests only. */
  readonly notices: string[] = [];
  #state: State = 'starting';
  readonly #history: Change[] = [{ state: 'starting', at: new Date().toISOString() }];
  readonly #listeners: { state: State; listener: () => void }[] = [];

  constructor(dependencies: Dependency[] = []) {
    this.dependencies = dependencies;
  }

  get state(): State {
    return this.#state;
  }

  /** The last changes, oldest first. The start is always the first of them. */
  get history(): readonly Change[] {
    return this.#history;
  }

  get stopping(): boolean {
    return this.#state !== 'starting' && this.#state !== 'ready';
  }

  /** Moves to a later state, never back: a service that is stopped during its start must not become ready. */
  advance(to: State): void {
    if (states.indexOf(to) <= states.indexOf(this.#state)) return;
    this.#state = to;
    this.#note(to);
    for (const { state, listener } of this.#listeners) if (state === to) listener();
  }

  /** Calls a listener when the service enters a state. */
  on(state: State, listener: () => void): void {
    this.#listeners.push({ state, listener });
  }

  /** Returns whether the service accepts new traffic, with the state of each dependency. */
  async readiness(): Promise<{ ready: boolean; dependencies: DependencyState[] }> {
    const dependencies = await Promise.all(this.dependencies.map(stateOf));
    const areUp = dependencies.every(({ up }) => up);
    if (this.#state === 'ready') this.#note(areUp ? 'ready' : 'unready');
    return { ready: this.#state === 'ready' && areUp, dependencies };
  }

  #note(state: Change['state']): void {
    if (this.#history.at(-1)?.state === state) return;
    this.#history.push({ state, at: new Date().toISOString() });
    if (this.#history.length > maxChanges) this.#history.splice(1, 1);
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
