import { describe, expect, it } from 'vitest';
import { left } from './left-out.ts';
import { meet, type Trouble, troubles } from './trouble.ts';

const names = Object.keys(troubles) as Trouble[];

describe.skipIf(left)(`a service with clients who retry${left}, after`, () => {
  it.each(names)(
    '%s of 10 s, serves as before within 5 s',
    async (trouble) => {
      const { before, after } = await meet(trouble, { guards: true, budget: true });
      expect(after).toBeGreaterThanOrEqual(0.95 * before);
    },
    60_000,
  );

  it.each(names)(
    '%s of 10 s, stays collapsed without its guards and their budgets',
    async (trouble) => {
      const { before, after } = await meet(trouble, { guards: false, budget: false });
      expect(before).toBeGreaterThan(0.9);
      expect(after).toBeLessThan(0.5 * before);
    },
    60_000,
  );
});
