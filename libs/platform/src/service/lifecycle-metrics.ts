import { Gauge } from 'prom-client';
import { memoryLimit } from '../overload/overload.ts';
import { gauge } from '../telemetry/declare.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Lifecycle } from './lifecycle.ts';

/** Declares metrics with the same information as the probes: ready, draining, and the state of each dependency. */
export function measureLifecycle(metrics: Metrics, lifecycle: Lifecycle): void {
  const registers = [metrics.registry];
  const readiness = shared(() => lifecycle.readiness());
  new Gauge({
    name: 'service_ready',
    help: '1 if the service accepts new traffic: it has started, does not drain, and its dependencies respond',
    registers,
    async collect() {
      this.set(Number((await readiness()).ready));
    },
  });
  new Gauge({
    name: 'service_dependency_up',
    help: '1 if a system that the service needs responds within 500 ms',
    labelNames: ['dependency'] as const,
    registers,
    async collect() {
      for (const { name, up } of (await readiness()).dependencies) this.labels(name).set(Number(up));
    },
  });
  const memory = {
    name: 'process_memory_limit_bytes',
    help: 'Memory that the process may use: the limit of its container, or the memory of the machine',
  };
  gauge(metrics, memory, () => memoryLimit());
  const draining = { name: 'service_draining', help: '1 from the signal to stop until the process ends' };
  gauge(metrics, draining, () => Number(lifecycle.stopping));
}

/** Makes concurrent calls share one result. */
function shared<T>(work: () => Promise<T>): () => Promise<T> {
  let pending: Promise<T> | undefined;
  return () => {
    pending ??= work().finally(() => {
      pending = undefined;
    });
    return pending;
  };
}
