import { Counter, Gauge, type Registry } from 'prom-client';

/** The `metrics` of a service, in which metrics are declared. */
type Registered = { registry: Registry };

/** A counter whose labels have values. */
export type Count = { inc(by?: number): void };

type Named = {
  /** Ends in `_total` for a counter, and in the unit, if any (`_seconds`, `_bytes`), for a gauge. */
  name: string;
  help: string;
};

/**
 * Declares a counter. It starts at 0, so that `rate()` includes the first event.
 *
 * @example
 * const signUps = count(metrics, { name: 'users_signed_up_total', help: 'Accounts created by this process' });
 * signUps.inc();
 */
export function count({ registry }: Registered, named: Named): Count {
  return new Counter({ ...named, registers: [registry] });
}

/**
 * Declares a counter with one label that has a fixed set of values. The counter of each value starts at 0, and other
 * values cannot be counted.
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
 * Exports label values of a counter at 0 from the start, so that `rate()` includes the first event.
 *
 * @example
 * fromZero(metrics.rejected, ['queue_full', 'too_late']);
 */
export function fromZero(counter: Counter, values: readonly string[]): void {
  for (const value of values) counter.labels(value).inc(0);
}

/**
 * Declares a gauge whose value is read each time the metrics are read.
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
