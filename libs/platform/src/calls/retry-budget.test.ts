import { describe, expect, it } from 'vitest';
import { createRetryBudget } from './retry-budget.ts';

function budgetAt(options: { ratio?: number; reserve?: number; capacity?: number } = {}) {
  const clock = { now: 0 };
  const budget = createRetryBudget({ reserve: 0, ...options, now: () => clock.now });
  const drain = () => {
    let retries = 0;
    while (budget.withdraw()) retries += 1;
    return retries;
  };
  const call = (times: number) => {
    for (let call = 0; call < times; call++) budget.deposit();
  };
  return { clock, budget, drain, call };
}

describe('a retry budget', () => {
  it('starts full, so that a service that has just started can retry', () => {
    expect(budgetAt({ capacity: 4 }).drain()).toBe(4);
  });

  it('allows one retry for ten calls', () => {
    const { drain, call } = budgetAt();
    drain();
    call(9);
    expect(drain()).toBe(0);
    call(21);
    expect(drain()).toBe(3);
  });

  it('allows some retries a second without any call', () => {
    const { drain, clock } = budgetAt({ reserve: 2 });
    drain();
    clock.now += 499;
    expect(drain()).toBe(0);
    clock.now += 2_001;
    expect(drain()).toBe(5);
  });

  it('saves up no more than its capacity', () => {
    const { drain, call, clock } = budgetAt({ capacity: 5, reserve: 1 });
    call(1_000);
    clock.now += 60_000;
    expect(drain()).toBe(5);
  });
});
