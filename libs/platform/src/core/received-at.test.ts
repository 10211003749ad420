import { describe, expect, it } from 'vitest';
import { requestWith } from '../testing/request-context.ts';
import { claimedAge, currentAge } from './received-at.ts';
import { withContext } from './request-context.ts';

describe('the age of a request', () => {
  it('is the time since it was received, and 0 outside of a request', () => {
    const request = requestWith(1_000);
    expect(withContext(request, () => currentAge(request.startedAt + 250))).toBeCloseTo(250);
    expect(currentAge()).toBe(0);
  });

  it.each([
    ['250', 250],
    ['0', 0],
    ['99999999', 60_000],
    [undefined, 0],
    ['-1', 0],
    ['1.5', 0],
    ['', 0],
    ['1, 2', 0],
  ])('that a sender claims as %j is taken as %i ms', (header, expected) => {
    expect(claimedAge({ 'x-request-age-ms': header })).toBe(expected);
  });
});
