import { isDeepStrictEqual } from 'node:util';
import type { Plan } from '@slipway/contracts/billing';

/**
 * A plan with its agreed prices, which applies from period `fromPeriod` until the next terms. It is stored with the
 * subscription, so that a release with a new catalogue does not change a period that has begun.
 */
export type Terms = { fromPeriod: number; plan: Plan };

/** Returns the plan of a period. Usage that is dated before the first period belongs to the first. */
export function planFor(terms: Terms[], period: number): Plan {
  const agreed = terms.findLast(({ fromPeriod }) => fromPeriod <= period) ?? terms[0];
  if (!agreed) throw new Error('A subscription without terms');
  return agreed.plan;
}

/** Returns the plan of the last terms, which applies to all later periods. */
export function lastPlan(terms: Terms[]): Plan {
  return planFor(terms, Number.MAX_SAFE_INTEGER);
}

/** Sets the plan from a period on, and replaces any terms for that period and later ones. */
export function agree(terms: Terms[], fromPeriod: number, plan: Plan): Terms[] {
  const earlier = terms.filter((each) => each.fromPeriod < fromPeriod);
  const isSame = isDeepStrictEqual(earlier.at(-1)?.plan, plan);
  return isSame ? earlier : [...earlier, { fromPeriod, plan }];
}
