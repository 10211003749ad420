import { describe, expect, it } from 'vitest';
import { add, subtract, totalOf } from './usage-totals.ts';

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
