import { randomUUID } from 'node:crypto';
import type { DomainEvent } from '@slipway/contract-kit/event';
import { currentTraceparent } from '../telemetry/trace-context.ts';

/**
 * Makes an event of the current time, with the trace of the request that causes it.
 *
 * @param source the service that publishes it
 * @param id unique over all sources; derive it from what happened if a retried request may publish the event again
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
