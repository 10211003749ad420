import { describe, expect, it } from 'vitest';
import { left } from './left-out.ts';
import { meet, type Trouble, troubles } from './trouble.ts';

const names = Object.keys(troubles) as Trouble[];
/** Those after which a system without protection never comes back. */
const lasting = [
  { trouble: 'a spike of ten times the load', cure: 'budgets', guards: false, budget: true },
  { trouble: 'a store that takes 2 s', cure: 'guards', guards: true, budget: false },
] as const;

/** Seconds for which a system is watched that may come back late. */
const patiently = 12;

describe.skipIf(left)(`a service with clients who retry${left}, after`, () => {
  for (const name of names) {
    const { lacks } = troubles[name];
    const skipped = lacks && ` (skipped: ${lacks})`;
    it.skipIf(lacks)(
      `${name} for 10 s, serves as before within 5 s${skipped}`,
      async () => {
        const { before, after } = await meet(name, { guards: true, budget: true });
        expect(after).toBeGreaterThanOrEqual(0.95 * before);
      },
      90_000,
    );
  }

  it.each(lasting)(
    '$trouble for 10 s, stays collapsed without guards and retry budgets',
    async ({ trouble }) => {
      const { before, last } = await meet(trouble, { guards: false, budget: false }, patiently);
      expect(before).toBeGreaterThan(0.9);
      expect(last).toBeLessThan(0.5 * before);
    },
    90_000,
  );

  it.each(lasting)(
    '$trouble for 10 s, comes back at last with its $cure alone',
    async ({ trouble, guards, budget }) => {
      const { before, last } = await meet(trouble, { guards, budget }, patiently);
      expect(last).toBeGreaterThanOrEqual(0.95 * before);
    },
    90_000,
  );
});
