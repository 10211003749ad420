import { Counter, Gauge, type Registry } from 'prom-client';

/** Where metrics are declared: the `metrics` of a service. */
type Registered = { registry: Registry };

/** One count, whose labels are decided. */
export type Count = { inc(by?: number): void };

type Named = {
  /** Ends in `_total` for a count, in its unit (`_seconds`, `_bytes`) for a gauge. */
  name: string;
  help: string;
};

/**
 * Declares a count of a service's own. It is 0 from the start, so that `rate()` sees also the first event.
 *
 * @example
 * const signUps = count(metrics, { name: 'users_signed_up_total', help: 'Accounts made by this process' });
 * signUps.inc();
 */
export function count({ registry }: Registered, named: Named): Count {
  return new Counter({ ...named, registers: [registry] });
}

/**
 * Declares a count with one label, of whose values all are known: each is 0 from the start, and none that was not
 * declared can ever be counted.
 *
 * @example
 * const outcomes = ['succeeded', 'declined'] as const;
 * const payments = countBy(metrics, { name: 'billing_payments_total', help: 'Payments settled' }, 'outcome', outcomes);
 * payments.declined.inc();
 */
export function countBy<Value extends string>(
  { registry }: Registered,
  named: Named,
  label: string,
  values: readonly Value[],
): Record<Value, Count> {
  const counter = new Counter({ ...named, labelNames: [label], registers: [registry] });
  const counts = values.map((value) => {
    const child = counter.labels(value);
    child.inc(0);
    return [value, child];
  });
  return Object.fromEntries(counts) as Record<Value, Count>;
}

/**
 * Shows values of a count's label as 0 before anything is counted, so that `rate()` sees also the first event.
 *
 * @example
 * fromZero(metrics.rejected, ['queue_full', 'too_late']);
 */
export function fromZero(counter: Counter, values: readonly string[]): void {
  for (const value of values) counter.labels(value).inc(0);
}

/**
 * Declares a value that is read when metrics are.
 *
 * @example
 * gauge(metrics, { name: 'users_password_checks_waiting', help: '…' }, () => passwords.waiting);
 */
export function gauge({ registry }: Registered, named: Named, read: () => number): void {
  new Gauge({
    ...named,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}
