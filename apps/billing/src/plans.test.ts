import { describe, expect, it } from 'vitest';
import { priceOf, sum } from './money.ts';
import { planOf, plans } from './plans.ts';

describe('the plan catalogue', () => {
  it('names each plan once', () => {
    expect(new Set(plans.map(({ id }) => id)).size).toBe(plans.length);
  });

  it('has the same meters in all plans of a currency, so that no change of plan leaves usage unbilled', () => {
    const byCurrency = Map.groupBy(plans, ({ currency }) => currency);
    for (const group of byCurrency.values()) {
      const meters = group.map((plan) => plan.meters.map(({ metric }) => metric).join());
      expect(new Set(meters).size).toBe(1);
    }
  });

  it('makes no invoice too large to be exact, whatever is used', () => {
    for (const { price, meters } of plans) {
      const most = meters.map((meter) => priceOf(Number.MAX_SAFE_INTEGER, meter));
      expect(sum([price, ...most])).toBeLessThan(Number.MAX_SAFE_INTEGER / 2);
    }
  });

  it('has whole, non-negative amounts', () => {
    const numbers = plans.flatMap(({ price, meters }) => [
      price,
      ...meters.flatMap((meter) => [meter.price, meter.included, meter.per - 1]),
    ]);
    expect(numbers.every((number) => Number.isSafeInteger(number) && number >= 0)).toBe(true);
  });

  it('refuses a plan that it does not have, naming the field', () => {
    expect(() => planOf('platinum')).toThrow(
      expect.objectContaining({
        code: 'unknown_plan',
        fields: [{ field: 'body.planId', message: 'must be one of free, starter, pro, pro-usd' }],
      }),
    );
  });
});
