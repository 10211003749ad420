import type { Fault } from '@slipway/contract-kit/experiment';
import { problem } from '@slipway/contract-kit/problem';
import { timeLeft } from '../core/request-context.ts';
import { isHit } from './fault.ts';
import type { Faults } from './faults.ts';

/**
 * Carries out a command of a store under a fault.
 *
 * A command that hangs is rejected when the request that needs it has reached its deadline, as drivers give up, too.
 * Commands of later requests would otherwise fill the memory.
 */
export async function withStoreFault(faults: Faults, fault: Fault, command: () => unknown): Promise<unknown> {
  if (!isHit(fault)) return command();
  const { kind, ms } = fault;
  if (kind === 'error') throw unreachable();
  if (kind === 'latency') await faults.wait(ms);
  else if (!(await faults.wait(timeLeft(Number.POSITIVE_INFINITY)))) throw unreachable();
  return command();
}

/** The rejection of a store that cannot be reached. */
const unreachable = () =>
  problem('unavailable', 'An experiment makes the store unreachable', { retryAfter: 1 });
