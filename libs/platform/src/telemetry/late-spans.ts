import type { SpanContext } from '@opentelemetry/api';
import {
  type IdGenerator,
  RandomIdGenerator,
  type Sampler,
  SamplingDecision,
} from '@opentelemetry/sdk-trace';

/**
 * Lets a span that was not sampled be recorded after all, with the ids that it has already told to others: within
 * `withIds` they are handed out again, and the sampler says yes.
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
