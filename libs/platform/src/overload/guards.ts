import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../telemetry/metrics.ts';
import { type AdmissionControl, registerAdmission } from './admit.ts';
import { registerOverload } from './overload.ts';

export type Guards = AdmissionControl;

/** All guards; only the guard of memory and of a stuck event loop; or none. */
export type GuardSet = 'all' | 'process' | 'none';

/** Returns whether an experiment has switched the guards off for now. Called for each request. */
export type AreOff = () => boolean;

/**
 * Registers the guards against overload: see docs/overload.md. While `areOff` says so, they pass new requests on. A
 * request that is queued or has a permit then is treated as before, so nothing is lost or counted twice.
 */
export async function registerGuards(
  app: FastifyInstance,
  metrics: Metrics,
  which: GuardSet,
  areOff: AreOff = () => false,
): Promise<Guards> {
  const admission = which === 'all' ? registerAdmission(app, metrics, areOff) : undefined;
  const processLoad = which === 'none' ? () => ({}) : await registerOverload(app, metrics, { areOff });
  return {
    load: () => ({ ...processLoad(), ...admission?.load() }),
    shareBy: (clientOf) => admission?.shareBy(clientOf),
  };
}
