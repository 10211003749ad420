import type { ExperimentRequest } from '@slipway/contract-kit/experiment';
import { type Problem, problem } from '@slipway/contract-kit/problem';

/**
 * Checks what a schema cannot say: that an experiment does something, and that its fault is complete and possible.
 *
 * @param hasStore whether the service has a store
 * @returns the problem that names the field; `undefined` if there is none
 */
export function checkExperiment(
  { fault, guards }: ExperimentRequest,
  hasStore: boolean,
): Problem | undefined {
  if (!fault) return guards ? undefined : wrong('body.fault', 'is missing, and guards is, too');
  if (fault.kind === 'latency' && fault.ms === undefined)
    return wrong('body.fault.ms', 'is missing, and latency needs it');
  if (fault.kind !== 'latency' && fault.ms !== undefined)
    return wrong('body.fault.ms', `has no meaning for ${fault.kind}`);
  if (fault.on === 'store' && !hasStore)
    return wrong('body.fault.on', 'must be service: this service has no store');
  return undefined;
}

function wrong(field: string, message: string): Problem {
  return problem('invalid_request', `${field} ${message}`, { fields: [{ field, message }] });
}
