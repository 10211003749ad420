import { expect, it } from 'vitest';
import { earnedPriority } from './queue-time.ts';

it('grants the priority of a route to people whose token was verified, and to nobody else', () => {
  const known = { isKnown: true, hasToken: true };
  const unknown = { isKnown: false, hasToken: true };
  const anonymous = { isKnown: false, hasToken: false };
  const granted = (['money', 'interactive', 'batch'] as const).map((route) =>
    [known, unknown, anonymous].map((credentials) => earnedPriority(route, credentials)),
  );
  expect(granted).toEqual([
    ['money', 'interactive', 'batch'],
    ['interactive', 'interactive', 'batch'],
    ['batch', 'batch', 'batch'],
  ]);
});
