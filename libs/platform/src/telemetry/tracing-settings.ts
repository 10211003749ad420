import { Type } from '@slipway/contract-kit/type';
import type { Static } from 'typebox';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';

const propagator = '(tracecontext|baggage|b3|b3multi)';

const samplers = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

const otlpProtocols = ['http/protobuf', 'http/json', 'grpc'] as const;

/** The settings of tracing. Those with `OTEL_` in the name mean what OpenTelemetry specifies. */
export const tracingSettings = {
  OTEL_SDK_DISABLED: Type.Boolean({ default: false, description: 'Disables tracing' }),
  OTEL_TRACES_EXPORTER: Type.Enum(['none', 'zipkin', 'otlp'], {
    default: 'none',
    description: 'Where spans are sent; otlp also reads the other OTEL_EXPORTER_OTLP_* variables',
  }),
  OTEL_TRACES_SAMPLER: Type.Enum([...samplers], {
    default: 'parentbased_traceidratio',
    description:
      'Which traces are recorded; parentbased_* follows the decision of the caller, if there is one',
  }),
  OTEL_TRACES_SAMPLER_ARG: Type.Number({
    default: 0.1,
    minimum: 0,
    maximum: 1,
    description: 'Share of traces that the traceidratio samplers record',
  }),
  TRACE_SLOW_MS: Type.Integer({
    default: 1_000,
    minimum: 1,
    maximum: 600_000,
    description:
      'Minimum duration at which an unsampled request is recorded, as failed requests are; milliseconds',
  }),
  OTEL_PROPAGATORS: Type.String({
    default: 'tracecontext',
    pattern: `^(none|${propagator}(\\s*,\\s*${propagator})*)$`,
    description:
      'Formats in which calls carry the trace context: tracecontext, baggage, b3 and b3multi, separated by commas, or none; tracecontext and b3 are always read',
  }),
  OTEL_EXPORTER_ZIPKIN_ENDPOINT: Type.String({
    default: 'http://localhost:9411/api/v2/spans',
    pattern: '^https?://',
    description: "Address of Zipkin's API v2",
  }),
  OTEL_EXPORTER_ZIPKIN_TIMEOUT: Type.Integer({
    default: 10_000,
    minimum: 1,
    maximum: 600_000,
    description: 'Maximum time that Zipkin may take for one batch of spans; milliseconds',
  }),
  OTEL_EXPORTER_OTLP_PROTOCOL: Type.Enum([...otlpProtocols], {
    default: 'http/protobuf',
    description: 'Protocol of the otlp exporter',
  }),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: Type.Optional(
    Type.Enum([...otlpProtocols], {
      description: 'The same for traces only; takes precedence over OTEL_EXPORTER_OTLP_PROTOCOL',
    }),
  ),
  OTEL_BSP_SCHEDULE_DELAY: Type.Integer({
    default: 5_000,
    minimum: 1,
    maximum: 600_000,
    description: 'Maximum time that a span waits for its batch to fill; milliseconds',
  }),
  OTEL_BSP_MAX_QUEUE_SIZE: Type.Integer({
    default: 2_048,
    minimum: 1,
    maximum: 1_000_000,
    description: 'Maximum number of waiting spans; further ones are dropped and counted',
  }),
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: Type.Integer({
    default: 512,
    minimum: 1,
    maximum: 100_000,
    description: 'Maximum number of spans in one batch',
  }),
  OTEL_BSP_EXPORT_TIMEOUT: Type.Integer({
    default: 30_000,
    minimum: 1,
    maximum: 600_000,
    description: 'Maximum time for the export of one batch; milliseconds',
  }),
};

const schema = Type.Object(tracingSettings);
export type TracingSettings = Static<typeof schema>;

/** The dependencies of a service's tracing. */
export type TracingOptions = {
  service: string;
  version: string;
  /** Whether anyone can call the service. Then the caller's decision on which traces are recorded does not count. */
  isPublic?: boolean;
  settings: TracingSettings;
  log: Logger;
  metrics: Metrics;
};
