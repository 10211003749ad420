import { expect, it } from 'vitest';
import { priorityOf } from './operation.ts';

it('gives calls between services the lowest priority, unless their contract says otherwise', () => {
  expect(priorityOf({ access: 'service' })).toBe('batch');
  expect(priorityOf({ access: 'service', priority: 'money' })).toBe('money');
  expect(priorityOf({ access: 'member' })).toBe('interactive');
});
