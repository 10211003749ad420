import type { SpanContext } from '@opentelemetry/api';
import {
  type IdGenerator,
  RandomIdGenerator,
  type Sampler,
  SamplingDecision,
} from '@opentelemetry/sdk-trace';

/**
 * Makes a sampler and an id generator that can record a span after `sampler` decided against it. The
 * span must have the ids that were already sent to other services: `withIds` makes the generator return those ids and
 * the sampler record the span.
 */
export function lateSpans(sampler: Sampler) {
  const random = new RandomIdGenerator();
  let given: SpanContext | undefined;

  const idGenerator: IdGenerator = {
    generateTraceId: () => given?.traceId ?? random.generateTraceId(),
    generateSpanId: () => given?.spanId ?? random.generateSpanId(),
  };

  const orGiven: Sampler = {
    shouldSample: (...span) =>
      given ? { decision: SamplingDecision.RECORD_AND_SAMPLED } : sampler.shouldSample(...span),
    toString: () => sampler.toString(),
  };

  function withIds<T>(ids: SpanContext, start: () => T): T {
    given = ids;
    try {
      return start();
    } finally {
      given = undefined;
    }
  }

  return { idGenerator, sampler: orGiven, withIds };
}
