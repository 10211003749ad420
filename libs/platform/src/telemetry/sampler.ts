/** The standard values of `OTEL_TRACES_SAMPLER`. */
export const samplers = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

export type SamplerName = (typeof samplers)[number];

/** Decides whether a trace is recorded, given what its caller has decided. */
export type Sampler = (traceId: string, caller: boolean | undefined) => boolean;

/**
 * Makes the sampler that the standard variables name. It knows no span: what it leaves out costs nothing more.
 *
 * @param ratio share of traces that `…traceidratio` records, 0 to 1
 * @see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#general-sdk-configuration
 * @example
 * const isSampled = createSampler('parentbased_traceidratio', 0.1);
 * isSampled(newTraceId(), undefined); // true for a tenth of the ids, everywhere for the same ones
 */
export function createSampler(name: SamplerName, ratio: number): Sampler {
  const decide = deciders[name.replace('parentbased_', '') as keyof typeof deciders](ratio);
  return name.startsWith('parentbased_') ? (traceId, caller) => caller ?? decide(traceId) : decide;
}

const deciders = {
  always_on: () => () => true,
  always_off: () => () => false,
  traceidratio: (ratio: number) => (traceId: string) => numberOf(traceId) < bound(ratio),
};

/** The four words of a trace id, as the SDK of OpenTelemetry for JavaScript folds them: both decide alike. */
function numberOf(traceId: string): number {
  let number = 0;
  for (let start = 0; start < 32; start += 8) number ^= Number.parseInt(traceId.slice(start, start + 8), 16);
  return number >>> 0;
}

function bound(ratio: number): number {
  return ratio >= 1 ? 2 ** 32 : Math.floor(ratio * (2 ** 32 - 1));
}
