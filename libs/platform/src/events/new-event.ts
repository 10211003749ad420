import { randomUUID } from 'node:crypto';
import type { DomainEvent } from '@slipway/contract-kit/event';
import { currentTraceparent } from '../telemetry/trace-context.ts';

/**
 * Makes an event that happens now, with the trace of the request that causes it.
 *
 * @param source the service that tells it
 * @param id unique over all sources; derive it from what happened where a repeated request may tell it again
 * @example
 * newEvent('billing', 'invoice.issued', { invoiceId, … }, `invoice.issued:${invoiceId}`);
 */
export function newEvent<Data extends Record<string, unknown>>(
  source: string,
  type: string,
  data: Data,
  id: string = randomUUID(),
): DomainEvent<Data> {
  const trace = currentTraceparent();
  return { id, type, at: new Date().toISOString(), source, ...(trace && { trace }), data };
}
