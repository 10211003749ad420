import { trace } from '@opentelemetry/api';
import type { RequestContext } from '../core/request-context.ts';
import type { SourceFile, SpanRecord } from '../core/span-record.ts';
import { newSpanId } from './ids.ts';
import { isSampled } from './spans.ts';
import type { StoredSpan, StoredTrace, TraceReason } from './trace-ring.ts';
import { epochTime } from './wall-clock.ts';

/** A request that has ended, as its span shows it. */
export type EndedRequest = {
  name: string;
  service: string;
  file: SourceFile | undefined;
  /** A time of `performance.now()`. */
  startedAt: number;
  ms: number;
  status: number;
};

/** Returns the spans of a request and of the work below it, the request's own first. */
export function spansOfRequest(request: RequestContext, ended: EndedRequest): StoredSpan[] {
  const { span, caller, problem, spans = [] } = request;
  const { traceId, spanId: sentId } = span.spanContext();
  const callerId = trace.getSpanContext(caller)?.spanId;
  // A service without an exporter passes the id of its caller's span on, so that one is no id of its own.
  const spanId = sentId === callerId ? newSpanId() : sentId;
  const { name, service, file, startedAt, ms, status } = ended;
  const own: StoredSpan = {
    spanId,
    parentId: callerId,
    service,
    name,
    kind: 'server',
    startedAt: epochTime(startedAt),
    ms,
    status,
    error: problem ?? (status >= 500 ? String(status) : undefined),
    file: file?.(),
  };
  const parentOf = ({ parent }: SpanRecord) => (parent === span ? spanId : parent.spanContext().spanId);
  const below = spans.filter((each) => traceOf(each) === traceId);
  return [own, ...below.map((each) => toStored(each, service, parentOf(each)))];
}

/** Returns the sampled traces of which a request does only a part, such as the work on an event that another request caused. */
export function otherTraces(
  { span, spans = [] }: RequestContext,
  service: string,
  isExported: boolean,
): StoredTrace[] {
  const { traceId } = span.spanContext();
  const reason: TraceReason = 'sampled';
  return spans
    .filter(({ ids }) => ids && ids.traceId !== traceId && isSampled(ids))
    .map((each) => {
      const stored = toStored(each, service, each.parent.spanContext().spanId);
      return { traceId: traceOf(each), reason, isExported, spans: [stored] };
    });
}

const traceOf = ({ parent }: SpanRecord) => parent.spanContext().traceId;

/** Work that has not ended yet, such as a call whose request was aborted, has lasted until now. */
function toStored(record: SpanRecord, service: string, parentId: string): StoredSpan {
  const { name, kind, peer, file, ids, startedAt, endedAt = epochTime(), status, error } = record;
  return {
    spanId: ids?.spanId ?? newSpanId(),
    parentId,
    service,
    name,
    kind: kind as StoredSpan['kind'],
    startedAt,
    ms: endedAt - startedAt,
    status,
    error,
    peer,
    file: file?.(),
  };
}
