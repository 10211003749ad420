import Type, { type Static } from 'typebox';
import { samplers } from './sampler.ts';

const propagators = '(tracecontext|b3|b3multi|baggage|none)';

/** The settings of tracing, with the names and meanings that OpenTelemetry gives them. */
export const tracingSettings = {
  OTEL_SDK_DISABLED: Type.Boolean({ default: false, description: 'Makes no spans, whatever else is set' }),
  OTEL_TRACES_EXPORTER: Type.Enum(['none', 'zipkin', 'otlp'], {
    default: 'none',
    description: 'Where spans go; otlp reads the other OTEL_EXPORTER_OTLP_* variables itself',
  }),
  OTEL_TRACES_SAMPLER: Type.Enum([...samplers], {
    default: 'parentbased_traceidratio',
    description: 'Which traces are recorded; parentbased_* follows a caller that has decided',
  }),
  OTEL_TRACES_SAMPLER_ARG: Type.Number({
    default: 0.1,
    minimum: 0,
    maximum: 1,
    description: 'Share of new traces that are recorded by a sampler of trace ids',
  }),
  TRACE_SLOW_MS: Type.Integer({
    default: 1_000,
    minimum: 1,
    maximum: 600_000,
    description:
      'From when a request that was not sampled is recorded all the same, as one that fails is; milliseconds',
  }),
  OTEL_PROPAGATORS: Type.String({
    default: 'tracecontext',
    pattern: `^${propagators}(,${propagators})*$`,
    description:
      'Headers in which calls carry the trace: tracecontext, b3, b3multi, with commas between, or none; all are read',
  }),
  OTEL_SERVICE_NAME: Type.Optional(
    Type.String({ minLength: 1, description: "The service's name in traces, instead of its own" }),
  ),
  OTEL_RESOURCE_ATTRIBUTES: Type.String({
    default: '',
    description: 'What is true for all spans of this process: name=value, with commas between',
  }),
  OTEL_EXPORTER_ZIPKIN_ENDPOINT: Type.String({
    default: 'http://localhost:9411/api/v2/spans',
    pattern: '^https?://',
    description: "Address of Zipkin's API v2",
  }),
  OTEL_EXPORTER_OTLP_PROTOCOL: Type.Enum(['http/protobuf', 'http/json', 'grpc'], {
    default: 'http/protobuf',
    description: 'How spans are sent by otlp',
  }),
  OTEL_BSP_SCHEDULE_DELAY: Type.Integer({
    default: 5_000,
    minimum: 1,
    maximum: 600_000,
    description: 'How long spans wait at most to be sent together; milliseconds',
  }),
  OTEL_BSP_MAX_QUEUE_SIZE: Type.Integer({
    default: 2_048,
    minimum: 1,
    maximum: 1_000_000,
    description: 'Most spans that wait; more are dropped and counted',
  }),
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: Type.Integer({
    default: 512,
    minimum: 1,
    maximum: 100_000,
    description: 'Most spans that are sent together',
  }),
  OTEL_BSP_EXPORT_TIMEOUT: Type.Integer({
    default: 10_000,
    minimum: 1,
    maximum: 600_000,
    description: 'When a collector that does not answer is given up; milliseconds',
  }),
};

const schema = Type.Object(tracingSettings);
export type TracingSettings = Static<typeof schema>;
