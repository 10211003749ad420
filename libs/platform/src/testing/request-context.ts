import { propagation, ROOT_CONTEXT, TraceFlags, trace } from '@opentelemetry/api';
import type { RequestContext } from '../core/request-context.ts';
import { createPropagator } from '../telemetry/trace-context.ts';

/** The context of an unsampled request whose caller waits for so many more milliseconds. */
export function requestWith(left: number): RequestContext {
  propagation.setGlobalPropagator(createPropagator('tracecontext'));
  const ids = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
  return {
    correlationId: 'journey-1',
    span: trace.wrapSpanContext({ ...ids, traceFlags: TraceFlags.NONE }),
    caller: ROOT_CONTEXT,
    tracer: undefined,
    deadline: performance.now() + left,
    startedAt: performance.now(),
    completeAt: performance.now(),
    fairTime: 0,
    problem: undefined,
  };
}
