import { expect, it } from 'vitest';
import { earnedPriority, priorityOf } from './queue-time.ts';

it('gives calls between services the lowest priority, unless their contract says otherwise', () => {
  expect(priorityOf({ access: 'service' })).toBe('batch');
  expect(priorityOf({ access: 'service', priority: 'money' })).toBe('money');
  expect(priorityOf({ access: 'member' })).toBe('interactive');
});

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
