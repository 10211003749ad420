import { describe, expect, it } from 'vitest';
import { planOf } from './plans.ts';
import { agree, lastPlan, planFor, type Terms } from './terms.ts';

const [free, starter, pro] = ['free', 'starter', 'pro'].map(planOf) as [
  Terms['plan'],
  Terms['plan'],
  Terms['plan'],
];
const terms: Terms[] = [
  { fromPeriod: 2, plan: free },
  { fromPeriod: 5, plan: pro },
];

describe('the terms of a subscription', () => {
  it('apply from their period until the next ones', () => {
    expect([2, 4, 5, 6].map((period) => planFor(terms, period).id)).toEqual(['free', 'free', 'pro', 'pro']);
    expect(lastPlan(terms)).toBe(pro);
  });

  it('apply to what is dated before them, if they are the first', () => {
    expect(planFor(terms, 1)).toBe(free);
  });

  it('are never absent', () => {
    expect(() => planFor([], 1)).toThrow(new Error('A subscription without terms'));
  });

  it('replace those that were agreed for the same period or later ones', () => {
    expect(agree(terms, 6, starter)).toEqual([...terms, { fromPeriod: 6, plan: starter }]);
    expect(agree(terms, 5, starter)).toEqual([terms[0], { fromPeriod: 5, plan: starter }]);
    expect(agree(terms, 1, starter)).toEqual([{ fromPeriod: 1, plan: starter }]);
  });

  it('are not repeated if the plan and its prices stay the same', () => {
    expect(agree(terms, 5, free)).toEqual([terms[0]]);
    expect(agree(terms, 5, { ...free, price: 1 })).toHaveLength(2);
  });
});
