import { Gauge } from 'prom-client';
import { Problem } from '../http/errors.ts';
import type { Metrics } from './metrics.ts';
import { failureName, markFailed, startSpan } from './tracing.ts';

type Method = (...args: unknown[]) => unknown;

/**
 * Wraps a store so that each call of a method is measured, and is a span of the request that made it. Parts of
 * a store (`store.outbox`, `store.idempotency`) are wrapped too; methods that answer at once are left alone.
 *
 * @example
 * const store = observeStore(openUsers(url), metrics);
 * await store.findByEmail(email); // dependency_call_duration_seconds{dependency="store",operation="findByEmail"}
 */
export function observeStore<Store extends object>(store: Store, metrics: Metrics, path = ''): Store {
  const wrapped = new Map<PropertyKey, unknown>();
  return new Proxy(store, {
    get(target, key) {
      const value = Reflect.get(target, key, target);
      if (typeof key === 'symbol') return value;
      const known = wrapped.get(key);
      if (known !== undefined) return known;
      const observed = observe(target, path + key, value, metrics);
      if (observed !== value) wrapped.set(key, observed);
      return observed;
    },
  });
}

/** Shows the connections of a store by their state: open, busy, or waited for. */
export function measureConnections({ registry }: Metrics, connections: () => Record<string, number>): void {
  new Gauge({
    name: 'store_connections',
    help: 'Connections to the server of the store: open, busy of these, and callers waiting for one',
    labelNames: ['state'] as const,
    registers: [registry],
    collect() {
      for (const [state, count] of Object.entries(connections())) this.labels(state).set(count);
    },
  });
}

function observe(owner: object, name: string, value: unknown, metrics: Metrics): unknown {
  if (typeof value === 'function') return measured(owner, name, value as Method, metrics);
  if (isPart(value)) return observeStore(value, metrics, `${name}.`);
  return value;
}

function isPart(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function measured(owner: object, operation: string, method: Method, metrics: Metrics): Method {
  const attributes = { 'db.operation.name': operation };
  return (...args) => {
    const span = startSpan(`store ${operation}`, 'client', attributes);
    const startedAt = performance.now();
    const finish = (outcome: string) => {
      const seconds = (performance.now() - startedAt) / 1000;
      metrics.dependencies.labels('store', operation, outcome).observe(seconds);
      span?.end();
    };
    const result = method.apply(owner, args);
    if (!(result instanceof Promise)) return result;
    return result.then(
      (value) => {
        finish('ok');
        return value;
      },
      (error) => {
        if (span) markFailed(span, failureName(error));
        // A refusal, such as a name that is taken, is not a fault of the store.
        finish(error instanceof Problem ? error.code : 'error');
        throw error;
      },
    );
  };
}
