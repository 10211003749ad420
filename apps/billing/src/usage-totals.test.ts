import { describe, expect, it } from 'vitest';
import { add, addPeriods, byMetric, followSums, subtract, subtractPeriods, totalOf } from './usage-totals.ts';

const calls = (quantity: number, records: number) => ({ metric: 'api_calls', quantity, records });
const storage = (quantity: number, records: number) => ({ metric: 'storage', quantity, records });

describe('usage totals', () => {
  it('add up metric by metric', () => {
    expect(add([calls(5, 1)], [storage(2, 1), calls(1, 2)])).toEqual([calls(6, 3), storage(2, 1)]);
  });

  it('leave, less a part, only metrics of which something is left', () => {
    expect(subtract([calls(5, 3), storage(2, 1)], [calls(1, 1), storage(2, 1)])).toEqual([calls(4, 2)]);
  });

  it('keep records of no quantity until they are billed', () => {
    expect(subtract([calls(0, 1)], [])).toEqual([calls(0, 1)]);
  });

  it('are zero for a metric that was not used', () => {
    expect(totalOf([calls(5, 1)], 'storage')).toEqual(storage(0, 0));
  });
});

describe('usage totals by period', () => {
  const first = { period: 1, ...calls(5, 1) };
  const second = { period: 2, ...calls(7, 2) };

  it('add up in the order of period and metric', () => {
    expect(addPeriods([second, { period: 1, ...storage(2, 1) }], [first, second])).toEqual([
      ...[first, { period: 1, ...storage(2, 1) }, { period: 2, ...calls(14, 4) }],
    ]);
    expect(byMetric([first, second])).toEqual([calls(12, 3)]);
  });

  it('leave, less a part, only periods and metrics of which something is left', () => {
    const more = { period: 1, ...calls(6, 1) };
    expect(subtractPeriods([more, second], [first, second])).toEqual([{ period: 1, ...calls(1, 0) }]);
  });
});

describe('the sum of a metric', () => {
  it('takes what a number can hold, and nothing of a quantity that is too large', () => {
    const fits = followSums([{ metric: 'api_calls', quantity: Number.MAX_SAFE_INTEGER - 2 }]);
    expect(fits('api_calls', 3)).toBe(false);
    expect(fits('api_calls', 2)).toBe(true);
    expect(fits('api_calls', 0)).toBe(true);
    expect(fits('api_calls', 1)).toBe(false);
    expect(fits('storage', Number.MAX_SAFE_INTEGER)).toBe(true);
  });
});
