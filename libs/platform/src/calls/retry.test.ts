import { describe, expect, it } from 'vitest';
import { type Retryable, retryAfterOf, withRetries } from './retry.ts';

const failed = { transient: true };
const done = { transient: false };

/** Returns the results one after another, and then the last one again. */
function play(results: Retryable[], { left = 5_000, retries = 10 } = {}) {
  const discarded: Retryable[] = [];
  let attempts = 0;
  const attempt = async () => results[Math.min(attempts++, results.length - 1)] ?? done;
  const budget = { deposit: () => undefined, withdraw: () => retries-- > 0, left: () => retries };
  const { signal } = new AbortController();
  const onRetry = (result: Retryable) => void discarded.push(result);
  const run = withRetries(attempt, { budget, deadline: { left: () => left, signal }, onRetry });
  return run.then((result) => ({ result, attempts, discarded }));
}

describe('retries', () => {
  it('end with the first result that is not a transient failure', async () => {
    expect(await play([done])).toMatchObject({ attempts: 1, result: done, discarded: [] });
    expect(await play([failed, done])).toMatchObject({ attempts: 2, result: done, discarded: [failed] });
  });

  it('are at most two, and the last result is returned', async () => {
    expect(await play([failed])).toMatchObject({ attempts: 3, result: failed, discarded: [failed, failed] });
  });

  it('end with the budget', async () => {
    expect(await play([failed], { retries: 1 })).toMatchObject({ attempts: 2, result: failed });
  });

  it('are not made when the wait would take all the time that is left', async () => {
    expect(await play([{ transient: true, after: 5_000 }], { left: 5_000 })).toMatchObject({ attempts: 1 });
    expect(await play([failed], { left: 0 })).toMatchObject({ attempts: 1 });
  });
});

describe('a Retry-After header', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');

  it('contains seconds or a date', () => {
    expect(retryAfterOf('3', now)).toBe(3_000);
    expect(retryAfterOf('Thu, 01 Jan 2026 00:00:10 GMT', now)).toBe(10_000);
  });

  it('in the past asks for no wait', () => {
    expect(retryAfterOf('Wed, 31 Dec 2025 23:00:00 GMT', now)).toBe(0);
  });

  it.each([undefined, 'soon', '-1s', ''])('that is %j says nothing', (header) => {
    expect(retryAfterOf(header, now)).toBeUndefined();
  });
});
