import { setTimeout as wait } from 'node:timers/promises';
import {
  type Context,
  DiagLogLevel,
  diag,
  SpanKind as Kinds,
  ROOT_CONTEXT,
  SamplingDecision,
  type Span,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { ZipkinExporter } from '@opentelemetry/exporter-zipkin';
import { envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { NodeSDK } from '@opentelemetry/sdk-node';
import type { Logger } from './log.ts';
import type { RemoteSpan, SpanKind, SpanRecorder } from './span-recorder.ts';

type RecorderOptions = { service: string; version: string; exporter: 'zipkin' | 'otlp'; log: Logger };

/** Milliseconds that a stop waits for an exporter that does not answer. */
const flushTimeout = 2_000;

/**
 * Starts the OpenTelemetry SDK. The standard `OTEL_*` variables set the resource, the endpoint and the batches;
 * `OTEL_SDK_DISABLED` gives `undefined`. This module is imported only when there is an exporter: it takes
 * longer to load than all the rest of a service.
 */
export function startRecorder(options: RecorderOptions): SpanRecorder | undefined {
  reportTo(options.log);
  // The API knows one provider a process. It is let go of, so that each of several services has its own.
  trace.disable();
  const sdk = createSdk(options);
  sdk.start();
  const tracer = trace.getTracer('slipway');
  if (!tracer.startSpan('probe').isRecording()) return undefined;
  return {
    start(name, kind, attributes, parent) {
      const options = { kind: kinds[kind], attributes };
      return tracer.startSpan(name, options, parent ? contextOf(parent) : ROOT_CONTEXT);
    },
    async shutdown() {
      const flushed = sdk.shutdown().catch((error) => options.log.warn({ err: error }, 'spans were lost'));
      await Promise.race([flushed, wait(flushTimeout, undefined, { ref: false })]);
    },
  };
}

const kinds: Record<SpanKind, Kinds> = {
  internal: Kinds.INTERNAL,
  server: Kinds.SERVER,
  client: Kinds.CLIENT,
  producer: Kinds.PRODUCER,
  consumer: Kinds.CONSUMER,
};

function createSdk({ service, version, exporter }: RecorderOptions): NodeSDK {
  return new NodeSDK({
    resource: resourceFromAttributes({ 'service.name': service, 'service.version': version }),
    // The other detectors add the command line and the host to every span.
    resourceDetectors: [envDetector],
    // For otlp the SDK makes the exporter, of the protocol that the environment names.
    traceExporter: exporter === 'zipkin' ? new ZipkinExporter() : undefined,
    sampler: {
      shouldSample: () => ({ decision: SamplingDecision.RECORD_AND_SAMPLED }),
      toString: () => 'all',
    },
    metricReaders: [],
    logRecordProcessors: [],
  });
}

function contextOf(parent: Span | RemoteSpan): Context {
  if ('spanContext' in parent) return trace.setSpan(ROOT_CONTEXT, parent);
  const { traceId, spanId } = parent;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
  });
}

/** What the SDK has to say, such as that spans cannot be delivered, goes to the service's log. */
function reportTo(log: Logger): void {
  const say = (text: string) => log.warn({ component: 'opentelemetry' }, text);
  const ignore = () => undefined;
  const logger = { error: say, warn: say, info: ignore, debug: ignore, verbose: ignore };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}
