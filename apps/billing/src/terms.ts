import { isDeepStrictEqual } from 'node:util';
import type { Plan } from '@slipway/contracts/billing';

/**
 * A plan with its prices, as it was agreed for the periods from `fromPeriod` on, up to the next terms. It is stored
 * with the subscription, so that no release of another catalogue changes a period that has begun.
 */
export type Terms = { fromPeriod: number; plan: Plan };

/** The plan of a period. Usage that is dated before the first period belongs to the first. */
export function planFor(terms: Terms[], period: number): Plan {
  const agreed = terms.findLast(({ fromPeriod }) => fromPeriod <= period) ?? terms[0];
  if (!agreed) throw new Error('A subscription without terms');
  return agreed.plan;
}

/** The plan of the periods that nothing else is agreed for. */
export function lastPlan(terms: Terms[]): Plan {
  return planFor(terms, Number.MAX_SAFE_INTEGER);
}

/** Agrees on a plan from a period on, instead of what was agreed for these periods before. */
export function agree(terms: Terms[], fromPeriod: number, plan: Plan): Terms[] {
  const earlier = terms.filter((each) => each.fromPeriod < fromPeriod);
  const isSame = isDeepStrictEqual(earlier.at(-1)?.plan, plan);
  return isSame ? earlier : [...earlier, { fromPeriod, plan }];
}
