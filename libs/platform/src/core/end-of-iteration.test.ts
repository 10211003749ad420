import { setImmediate as nextIteration } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { endOfIteration } from './end-of-iteration.ts';

it('lets all who wait in an event-loop iteration go on together, in their order, and others after them', async () => {
  const steps: string[] = [];
  const step = (name: string) => endOfIteration().then(() => steps.push(name));
  step('first');
  await Promise.resolve();
  step('second').then(() => step('next'));
  expect(steps).toEqual([]);
  await nextIteration();
  expect(steps).toEqual(['first', 'second']);
  await nextIteration();
  expect(steps).toEqual(['first', 'second', 'next']);
});
