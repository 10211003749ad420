import type { Span, SpanContext } from '@opentelemetry/api';

/** Returns the path of a source file in the repository, such as `apps/users/src/routes/sessions.ts`, if it is known. */
export type SourceFile = () => string | undefined;

/** A span below that of a request, as this process records it for the console. Times are milliseconds since the epoch. */
export type SpanRecord = {
  name: string;
  kind: string;
  /** The service or database that is called. */
  peer: string | undefined;
  file: SourceFile | undefined;
  parent: Span;
  /** The ids of the span; absent if the trace is not sampled, because nobody else knows of the span then. */
  ids: SpanContext | undefined;
  startedAt: number;
  /** Absent while the work runs. */
  endedAt: number | undefined;
  status: number | undefined;
  error: string | undefined;
};
