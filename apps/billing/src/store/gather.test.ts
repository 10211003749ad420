import { describe, expect, it } from 'vitest';
import { gather } from './gather.ts';

/** Gathers numbers, which are doubled when they are let go. */
function gathering(most = 10) {
  const works: number[][] = [];
  const goOn: ((error?: Error) => void)[] = [];
  const double = gather<string, number, number>({
    work: (items) => {
      works.push(items);
      return new Promise((resolve, reject) => {
        goOn.push((error) => (error ? reject(error) : resolve(items.map((item) => 2 * item))));
      });
    },
    sizeOf: (item) => item,
    most,
  });
  const next = async (error?: Error) => {
    await new Promise(setImmediate);
    goOn.shift()?.(error);
  };
  return { double, works, next };
}

describe('work that is gathered', () => {
  it('is done together as far as it came meanwhile, and each caller gets its own result', async () => {
    const { double, works, next } = gathering();
    const results = [double('a', 1)];
    await new Promise(setImmediate);
    results.push(double('a', 2), double('a', 3));
    await next();
    await next();
    expect(await Promise.all(results)).toEqual([2, 4, 6]);
    expect(works).toEqual([[1], [2, 3]]);
  });

  it('is taken up to a size, in order, and what is larger alone', async () => {
    const { double, works, next } = gathering(5);
    const results = [9, 2, 3, 1].map((item) => double('a', item));
    for (const _ of [1, 2, 3]) await next();
    await Promise.all(results);
    expect(works).toEqual([[9], [2, 3], [1]]);
  });

  it('of another key does not wait', async () => {
    const { double, works, next } = gathering();
    const results = [double('a', 1), double('b', 2)];
    await new Promise(setImmediate);
    expect(works).toEqual([[1], [2]]);
    for (const _ of [1, 2]) await next();
    expect(await Promise.all(results)).toEqual([2, 4]);
  });

  it('that fails, fails for those who were taken together, and goes on with the next', async () => {
    const { double, next } = gathering(2);
    const results = [1, 1, 2].map((item) => double('a', item));
    const settled = Promise.allSettled(results);
    await next(new Error('away'));
    await next();
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    const again = double('a', 4);
    await next();
    expect(await again).toBe(8);
  });
});
