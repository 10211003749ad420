import { setTimeout as wait } from 'node:timers/promises';

export type State = 'starting' | 'ready' | 'draining' | 'stopped';

/** Something the service cannot do its work without, such as its store. `check` rejects when it is away. */
export type Dependency = { name: string; check: () => Promise<void> };

export type DependencyState = { name: string; up: boolean; error?: string };

/** How long a readiness probe waits for one dependency; milliseconds. Half of a usual probe timeout. */
const checkTimeout = 500;

/** Where a service is between start and stop, and whether the systems it needs answer. */
export class Lifecycle {
  state: State = 'starting';
  readonly startedAt = Date.now();
  readonly dependencies: Dependency[];

  constructor(dependencies: Dependency[]) {
    this.dependencies = dependencies;
  }

  /** Whether new traffic is welcome, with the reason in detail. */
  async readiness(): Promise<{ ready: boolean; dependencies: DependencyState[] }> {
    const dependencies = await Promise.all(this.dependencies.map(stateOf));
    return { ready: this.state === 'ready' && dependencies.every(({ up }) => up), dependencies };
  }
}

async function stateOf({ name, check }: Dependency): Promise<DependencyState> {
  const timer = new AbortController();
  const late = wait(checkTimeout, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`no answer in ${checkTimeout} ms`);
  });
  try {
    await Promise.race([check(), late]);
    return { name, up: true };
  } catch (error) {
    return { name, up: false, error: error instanceof Error ? error.message : String(error) };
  } finally {
    timer.abort();
    late.catch(() => undefined);
  }
}
