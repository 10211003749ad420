import { Problem } from '@slipway/contract-kit/problem';
import { Gauge } from 'prom-client';
import type { SourceFile } from '../core/span-record.ts';
import { isSynchronous } from '../core/synchronous.ts';
import { type Faults, noFaults } from '../experiments/faults.ts';
import { withStoreFault } from '../experiments/store-fault.ts';
import type { Metrics } from './metrics.ts';
import { sourceFile } from './source-file.ts';
import { endSpan, failSpan, failureName, type SpanFacts, startSpan } from './spans.ts';
import { Totals } from './totals.ts';

type Method = (...args: unknown[]) => unknown;

/** How a dependency is observed beyond its measurement. */
type Observed = {
  /** The remote system in Zipkin's dependency graph; absent if the dependency works in this process. */
  peer?: string | undefined;
  /** The source file of its spans; by default the one that calls `observeDependency`. */
  file?: SourceFile | undefined;
  /** The faults that an experiment causes in it. */
  faults?: Faults | undefined;
};

/**
 * Wraps a store so that each call that returns a promise is measured, and is a span of its request. Parts of a store
 * (`store.outbox`, `store.idempotency`) are wrapped, too. Methods marked as `synchronous` are not wrapped.
 *
 * @example
 * const store = observeStore(openUsers(url), metrics);
 * await store.findByEmail(email); // dependency_call_duration_seconds{dependency="store",operation="findByEmail"}
 */
export function observeStore<Store extends object>(
  store: Store & { server?: string },
  metrics: Metrics,
  observed: Omit<Observed, 'peer'> = {},
): Store {
  return observeDependency('store', store, metrics, { peer: store.server, ...observed });
}

/**
 * Wraps any other dependency with methods, such as a payment provider, in the same way.
 *
 * @param dependency its name in metrics and spans
 */
export function observeDependency<T extends object>(
  dependency: string,
  target: T,
  metrics: Metrics,
  { peer, file = sourceFile(observeDependency), faults = noFaults }: Observed = {},
): T {
  const calls: Calls = { dependency, metrics, peer, file, faults, inFlight: 0, totals: new Totals() };
  metrics.totals.dependencies.set(dependency, calls.totals);
  metrics.callsInFlight.set(dependency, () => calls.inFlight);
  declareOperations(target, '', calls);
  return observedPart(target, '', calls);
}

/** The state that all calls of one dependency share. */
type Calls = {
  dependency: string;
  metrics: Metrics;
  peer: string | undefined;
  file: SourceFile;
  faults: Faults;
  inFlight: number;
  totals: Totals;
};

function observedPart<Part extends object>(part: Part, path: string, calls: Calls): Part {
  const wrapped = new Map<PropertyKey, unknown>();
  return new Proxy(part, {
    get(target, key) {
      const value = Reflect.get(target, key, target);
      if (typeof key === 'symbol') return value;
      const known = wrapped.get(key);
      if (known !== undefined) return known;
      const observed = observe(target, path + key, value, calls);
      if (observed !== value) wrapped.set(key, observed);
      return observed;
    },
  });
}

/** Declares the gauge of a store's connections by state; `waiting` counts commands. */
export function measureConnections({ registry }: Metrics, connections: () => Record<string, number>): void {
  new Gauge({
    name: 'store_connections',
    help: 'Connections to the database server: open, busy (the open ones in use), and waiting (commands that wait for one)',
    labelNames: ['state'] as const,
    registers: [registry],
    collect() {
      for (const [state, count] of Object.entries(connections())) this.labels(state).set(count);
    },
  });
}

/** Declares each operation at 0, so that `rate()` includes its first call. */
function declareOperations(part: object, path: string, calls: Calls): void {
  const { dependency, metrics } = calls;
  for (const [name, value] of Object.entries(part)) {
    const operation = path + name;
    if (isOperation(value)) metrics.dependencies.zero({ dependency, operation, outcome: 'ok' });
    else if (isPart(value)) declareOperations(value, `${operation}.`, calls);
  }
}

function observe(owner: object, name: string, value: unknown, calls: Calls): unknown {
  if (isOperation(value)) return measured(owner, name, value, calls);
  if (isPart(value)) return observedPart(value, `${name}.`, calls);
  return value;
}

/** Returns whether a value is an operation: a function that is not marked as synchronous. */
function isOperation(value: unknown): value is Method {
  return typeof value === 'function' && !isSynchronous(value as Method);
}

function isPart(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function measured(owner: object, operation: string, method: Method, calls: Calls): Method {
  const { dependency, metrics, peer, file, faults } = calls;
  const succeeded = metrics.dependencies.labels(dependency, operation, 'ok');
  const attributes = { 'db.operation.name': operation };
  const facts: SpanFacts = { name: `${dependency} ${operation}`, kind: 'client', attributes, peer, file };
  return (...args) => {
    const span = startSpan(facts);
    const startedAt = performance.now();
    const finish = (duration: Pick<typeof succeeded, 'observe'>, isFailure = false) => {
      calls.inFlight -= 1;
      const seconds = (performance.now() - startedAt) / 1_000;
      duration.observe(seconds);
      calls.totals.add(seconds, isFailure);
      if (span) endSpan(span);
    };
    const fault = faults.store;
    const result =
      fault === undefined
        ? method.apply(owner, args)
        : withStoreFault(faults, fault, () => method.apply(owner, args));
    if (!(result instanceof Promise)) return result;
    calls.inFlight += 1;
    return result.then(
      (value) => {
        finish(succeeded);
        return value;
      },
      (error) => {
        if (span) failSpan(span, failureName(error));
        // A problem, such as a name that is taken, is not a failure of the store, unless the store is unreachable.
        const outcome = error instanceof Problem ? error.code : 'error';
        const isFailure = !(error instanceof Problem) || error.status >= 500;
        finish(metrics.dependencies.labels(dependency, operation, outcome), isFailure);
        throw error;
      },
    );
  };
}
