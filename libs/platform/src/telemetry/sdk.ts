import { type SpanContext, type Tracer, trace } from '@opentelemetry/api';
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import { NodeSDK } from '@opentelemetry/sdk-node';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  RandomIdGenerator,
  type Sampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace';
import { batchProcessor } from './batch-processor.ts';
import { lateSpans } from './late-spans.ts';
import type { TracingOptions, TracingSettings } from './tracing-settings.ts';
import { ZipkinExporter } from './zipkin-exporter.ts';

export type Sdk = {
  tracer: Tracer;
  /** While `start` runs, records new spans with the ids of a span that was not sampled. */
  withIds<T>(ids: SpanContext, start: () => T): T;
  shutdown(): Promise<void>;
};

/**
 * Starts OpenTelemetry's SDK, which reads every option that is not set here from the environment. It takes longer to
 * load than most of a service, so this module is imported only if spans are exported.
 */
export function startSdk(options: TracingOptions): Sdk {
  const { service, version, isPublic, settings } = options;
  const late = lateSpans(isPublic ? createOwnSampler(settings) : createSampler(settings));
  // A process has one global tracer provider. In tests with several services, it is the last one's.
  trace.disable();
  const sdk = new NodeSDK({
    resource: resourceFromAttributes({ 'service.name': service, 'service.version': version }),
    // Without host and process attributes, because Zipkin repeats the resource in every span.
    resourceDetectors: [resourceAttributesEnvDetector, serviceNameEnvDetector],
    sampler: late.sampler,
    idGenerator: late.idGenerator,
    spanProcessors: [batchProcessor(createExporter(settings), options)],
    metricReaders: [],
    logRecordProcessors: [],
    // Both are registered even without an exporter. The types allow `null` for only one of them.
    textMapPropagator: null,
    contextManager: null as never,
  });
  sdk.start();
  return { tracer: trace.getTracer('slipway'), withIds: late.withIds, shutdown: () => sdk.shutdown() };
}

const roots = {
  always_on: () => new AlwaysOnSampler(),
  always_off: () => new AlwaysOffSampler(),
  traceidratio: (ratio: number) => new TraceIdRatioBasedSampler(ratio),
};

function createSampler({
  OTEL_TRACES_SAMPLER: name,
  OTEL_TRACES_SAMPLER_ARG: ratio,
}: TracingSettings): Sampler {
  const root = roots[rootOf(name)](ratio);
  return name.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root;
}

/**
 * Creates the sampler of a public service. It ignores the caller's sampling decision and trace id, because any
 * client can choose them.
 */
function createOwnSampler(settings: TracingSettings): Sampler {
  const { OTEL_TRACES_SAMPLER: name } = settings;
  const own = createSampler({ ...settings, OTEL_TRACES_SAMPLER: rootOf(name) });
  const random = new RandomIdGenerator();
  return {
    shouldSample: (context, _traceId, ...span) =>
      own.shouldSample(context, random.generateTraceId(), ...span),
    toString: () => own.toString(),
  };
}

const rootOf = (sampler: string) => sampler.replace('parentbased_', '') as keyof typeof roots;

const otlpExporters = { grpc: GrpcExporter, 'http/json': JsonExporter, 'http/protobuf': ProtobufExporter };

function createExporter(settings: TracingSettings): SpanExporter {
  if (settings.OTEL_TRACES_EXPORTER === 'zipkin') {
    const { OTEL_EXPORTER_ZIPKIN_TIMEOUT, OTEL_BSP_EXPORT_TIMEOUT } = settings;
    const timeout = Math.min(OTEL_EXPORTER_ZIPKIN_TIMEOUT, OTEL_BSP_EXPORT_TIMEOUT);
    return new ZipkinExporter(settings.OTEL_EXPORTER_ZIPKIN_ENDPOINT, timeout);
  }
  const { OTEL_EXPORTER_OTLP_PROTOCOL, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL } = settings;
  return new otlpExporters[OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? OTEL_EXPORTER_OTLP_PROTOCOL]();
}
