import { FastifyOtelInstrumentation } from '@fastify/otel';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { NodeSDK } from '@opentelemetry/sdk-node';

/**
 * Starts the instrumentation that OpenTelemetry and Fastify offer. It patches modules as they are loaded: Fastify must
 * not be loaded before it.
 *
 * @param sendsCalls whether the process calls others, so that these calls are traced, too
 * @returns the instrumentation that is registered as a plugin of Fastify
 */
export function startStockTracing({ sendsCalls = false } = {}): FastifyOtelInstrumentation {
  const instrumentation = new FastifyOtelInstrumentation();
  const calls = sendsCalls ? [new UndiciInstrumentation()] : [];
  const sdk = new NodeSDK({
    serviceName: 'bench',
    instrumentations: [new HttpInstrumentation(), instrumentation, ...calls],
    metricReaders: [],
    logRecordProcessors: [],
  });
  sdk.start();
  return instrumentation;
}
