import { TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace';
import { describe, expect, it } from 'vitest';
import { createSampler } from './sampler.ts';
import { newTraceId } from './trace-ids.ts';

const ids = Array.from({ length: 2_000 }, newTraceId);

/** What OpenTelemetry's own sampler says. */
function standard(ratio: number, traceId: string): boolean {
  const sampler = new TraceIdRatioBasedSampler(ratio);
  return sampler.shouldSample({} as never, traceId).decision === 2;
}

describe('a sampler of trace ids', () => {
  it.each([0, 0.001, 0.1, 0.5, 0.999, 1])(
    "decides as OpenTelemetry's own does, for a ratio of %d",
    (ratio) => {
      const isSampled = createSampler('traceidratio', ratio);
      for (const id of ids) expect([id, isSampled(id, undefined)]).toEqual([id, standard(ratio, id)]);
    },
  );

  it('takes its share of the ids that are made here', () => {
    const isSampled = createSampler('parentbased_traceidratio', 0.1);
    const taken = ids.filter((id) => isSampled(id, undefined)).length;
    // 200 are expected; six standard deviations to either side.
    expect(taken).toBeGreaterThan(119);
    expect(taken).toBeLessThan(281);
  });
});

describe('a sampler by its standard name', () => {
  const [id = ''] = ids;

  it.each([
    ['always_on', { alone: true, unsampled: true, sampled: true }],
    ['always_off', { alone: false, unsampled: false, sampled: false }],
    ['parentbased_always_on', { alone: true, unsampled: false, sampled: true }],
    ['parentbased_always_off', { alone: false, unsampled: false, sampled: true }],
  ] as const)('%s decides with and without a caller', (name, { alone, unsampled, sampled }) => {
    const isSampled = createSampler(name, 0.5);
    expect(isSampled(id, undefined)).toBe(alone);
    expect(isSampled(id, false)).toBe(unsampled);
    expect(isSampled(id, true)).toBe(sampled);
  });

  it('parentbased_traceidratio follows its caller, traceidratio does not', () => {
    expect(createSampler('parentbased_traceidratio', 0)(id, true)).toBe(true);
    expect(createSampler('parentbased_traceidratio', 1)(id, false)).toBe(false);
    expect(createSampler('traceidratio', 0)(id, true)).toBe(false);
    expect(createSampler('traceidratio', 1)(id, false)).toBe(true);
  });
});
