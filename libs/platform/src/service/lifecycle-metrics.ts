import { Gauge } from 'prom-client';
import { memoryLimit } from '../overload/overload.ts';
import { gauge } from '../telemetry/declare.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Lifecycle } from './lifecycle.ts';

/** Shows what probes are told: whether the service is ready, whether it drains, and which dependency is away. */
export function measureLifecycle(metrics: Metrics, lifecycle: Lifecycle): void {
  const registers = [metrics.registry];
  const readiness = askedOnce(() => lifecycle.readiness());
  new Gauge({
    name: 'service_ready',
    help: '1 if new traffic is welcome: the service has started, does not drain, and its dependencies answer',
    registers,
    async collect() {
      this.set(Number((await readiness()).ready));
    },
  });
  new Gauge({
    name: 'service_dependency_up',
    help: '1 if a system that the service cannot work without answers within 500 ms',
    labelNames: ['dependency'] as const,
    registers,
    async collect() {
      for (const { name, up } of (await readiness()).dependencies) this.labels(name).set(Number(up));
    },
  });
  const memory = {
    name: 'process_memory_limit_bytes',
    help: 'Memory that the process may use: the limit of its container, else the memory of the machine',
  };
  gauge(metrics, memory, () => memoryLimit());
  const draining = { name: 'service_draining', help: '1 from the signal to stop until the end' };
  gauge(metrics, draining, () => Number(lifecycle.stopping));
}

/** One answer for all who ask while it is being found. */
function askedOnce<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined;
  return () => {
    asked ??= ask().finally(() => {
      asked = undefined;
    });
    return asked;
  };
}
