import { describe, expect, it } from 'vitest';
import { SharedCounts } from './counts.ts';
import { dueAfter, outcomeOf, priorityOfTurn } from './rules.ts';

describe('the rate of a load', () => {
  it.each([
    ['nothing at the start', 0, 0],
    ['nothing before the first interval has passed', 9, 0],
    ['one request for each interval', 1_000, 100],
    ['what was missed while the thread stood still', 2_995, 299],
    ['no more after the end', 60_000, 300],
  ])('makes due %s', (_what, ms, due) => {
    expect(dueAfter(ms, 100, 3)).toBe(due);
  });

  it('mixes the priorities as a system with many people has them', () => {
    const turns = Array.from({ length: 1_000 }, (_, turn) => priorityOfTurn(turn));
    const counts = Object.entries(Object.groupBy(turns, (priority) => priority));
    expect(Object.fromEntries(counts.map(([priority, all]) => [priority, all?.length]))).toEqual({
      interactive: 600,
      batch: 300,
      money: 100,
    });
  });
});

describe('the outcome of a request', () => {
  it.each([
    [200, 'answered'],
    [304, 'answered'],
    [429, 'rejected'],
    [503, 'rejected'],
    [404, 'failed'],
    [500, 'failed'],
    [0, 'failed'],
  ] as const)('with the status %i is that it was %s', (status, outcome) => {
    expect(outcomeOf(status)).toBe(outcome);
  });
});

it('counts are read by another thread while they are added', () => {
  const counts = new SharedCounts();
  const elsewhere = new SharedCounts(counts.buffer);
  elsewhere.add('sent');
  elsewhere.add('sent');
  elsewhere.add('late');
  expect(counts.read()).toEqual({ sent: 2, answered: 0, rejected: 0, late: 1, failed: 0, unsent: 0 });
});
