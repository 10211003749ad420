import { type HrTime, SpanKind as Kinds, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan, SpanExporter as SdkExporter } from '@opentelemetry/sdk-trace';
import type { Attributes, Span, SpanKind, SpanName } from './span.ts';
import type { SpanExporter } from './span-queue.ts';
import { wallClock } from './wall-clock.ts';

export type OtlpProtocol = 'grpc' | 'http/protobuf' | 'http/json';

const kinds: Record<SpanKind, Kinds> = {
  internal: Kinds.INTERNAL,
  server: Kinds.SERVER,
  client: Kinds.CLIENT,
  producer: Kinds.PRODUCER,
  consumer: Kinds.CONSUMER,
};

/**
 * Sends spans by OpenTelemetry's own exporter of a protocol, which reads the standard `OTEL_EXPORTER_OTLP_*`
 * variables. Only that of the protocol is loaded.
 */
export async function otlpExporter(protocol: OtlpProtocol, resource: Attributes): Promise<SpanExporter> {
  const exporter = await loadExporter(protocol);
  const toReadable = translator(resource);
  return {
    async send(spans, signal) {
      const sent = new Promise<void>((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        exporter.export(spans.map(toReadable), ({ code, error }) =>
          code === 0 ? resolve() : reject(error ?? new Error('The collector refused the spans')),
        );
      });
      await sent;
    },
    close: () => exporter.shutdown(),
  };
}

async function loadExporter(protocol: OtlpProtocol): Promise<SdkExporter> {
  if (protocol === 'grpc') {
    return new (await import('@opentelemetry/exporter-trace-otlp-grpc')).OTLPTraceExporter();
  }
  if (protocol === 'http/json') {
    return new (await import('@opentelemetry/exporter-trace-otlp-http')).OTLPTraceExporter();
  }
  return new (await import('@opentelemetry/exporter-trace-otlp-proto')).OTLPTraceExporter();
}

/** Makes the function that gives a span the form that OpenTelemetry's exporters read. */
function translator(resourceAttributes: Attributes): (span: Span) => ReadableSpan {
  const resource = resourceFromAttributes(resourceAttributes);
  const none = {
    events: [],
    ended: true,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
  return (span) => {
    const { traceId, parentId, facts, startedAt, endedAt = startedAt, error } = span;
    const since = wallClock();
    return {
      ...none,
      resource,
      instrumentationScope: { name: 'slipway' },
      name: facts.name,
      kind: kinds[facts.kind],
      spanContext: () => nameOf(span),
      parentSpanContext: parentId === undefined ? undefined : nameOf({ traceId, spanId: parentId }),
      startTime: toHrTime(since + startedAt),
      endTime: toHrTime(since + endedAt),
      duration: toHrTime(endedAt - startedAt),
      status:
        error === undefined ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: error },
      attributes: {
        ...facts.attributes,
        ...span.attributes,
        ...(facts.peer !== undefined && { 'peer.service': facts.peer }),
      },
      links: (facts.links ?? []).map((link) => ({ context: nameOf(link) })),
    };
  };
}

function nameOf({ traceId, spanId }: SpanName) {
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED };
}

function toHrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1e6)];
}
