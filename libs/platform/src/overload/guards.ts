import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../telemetry/metrics.ts';
import { type AdmissionControl, registerAdmission } from './admit.ts';
import { registerOverload } from './overload.ts';

export type Guards = AdmissionControl;

/** All guards; only the guard of memory and of a stuck event loop; or none. */
export type GuardSet = 'all' | 'process' | 'none';

/** Registers the guards against overload: see docs/overload.md. */
export async function registerGuards(
  app: FastifyInstance,
  metrics: Metrics,
  which: GuardSet,
): Promise<Guards> {
  const admission = which === 'all' ? registerAdmission(app, metrics) : undefined;
  const processLoad = which === 'none' ? () => ({}) : await registerOverload(app, metrics);
  return {
    load: () => ({ ...processLoad(), ...admission?.load() }),
    shareBy: (clientOf) => admission?.shareBy(clientOf),
  };
}
