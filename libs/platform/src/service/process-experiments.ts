import type { FastifyInstance } from 'fastify';
import { Experiments } from '../experiments/experiments.ts';
import { describeFault, parseFault } from '../experiments/fault.ts';
import { gauge } from '../telemetry/declare.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Lifecycle } from './lifecycle.ts';

type Parts = {
  hasStore: boolean;
  /** The setting `FAULT`. */
  setting?: string;
  lifecycle: Lifecycle;
  log: Logger;
  metrics: Metrics;
};

/**
 * Makes the experiments of a process. All end when it closes its port, or a fault could delay its stop. The fault of the
 * settings begins when the process is ready, or it could prevent the start.
 */
export function createExperiments(app: FastifyInstance, parts: Parts): Experiments {
  const { hasStore, setting, lifecycle, log, metrics } = parts;
  const experiments = new Experiments({
    hasStore,
    changed: (change, experiment) => log.warn({ experiment }, `experiment ${change}`),
  });
  app.addHook('preClose', async () => experiments.close());
  const running = { name: 'service_experiment_running', help: '1 while an experiment runs, such as a fault' };
  gauge(metrics, running, () => Number(experiments.current !== undefined));
  const lasting = setting === undefined ? undefined : parseFault(setting);
  // All services of `npm start` have the same environment, also those without a store.
  if (lasting && (lasting.on === 'service' || hasStore)) {
    lifecycle.notices.push(`The setting FAULT is on. ${describeFault(lasting)}`);
    lifecycle.on('ready', () => experiments.applySetting(lasting));
  }
  return experiments;
}
