import type { RequestContext } from '../core/request-context.ts';

/** The context of a request whose caller waits for so many more milliseconds. */
export function requestWith(left: number): RequestContext {
  return {
    correlationId: 'journey-1',
    traceId: 'a'.repeat(32),
    spanId: 'b'.repeat(16),
    parentId: undefined,
    sampled: false,
    tracestate: undefined,
    propagators: ['tracecontext'],
    deadline: performance.now() + left,
    recorder: undefined,
    span: undefined,
    problem: undefined,
  };
}
