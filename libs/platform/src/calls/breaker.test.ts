import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type BreakerState, createBreaker } from './breaker.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function breaking() {
  const states: BreakerState[] = [];
  const breaker = createBreaker('users', { onChange: (state) => void states.push(state), openMs: 1_000 });
  const answer = (failed: boolean) => breaker.run(async () => ({ failed }));
  const succeed = () => answer(false);
  const fail = async (times: number) => {
    for (let call = 0; call < times; call++) await answer(true);
  };
  return { breaker, states, succeed, fail };
}

describe('a circuit breaker', () => {
  it('opens with the fifth failure in a row', async () => {
    const { breaker, fail } = breaking();
    await fail(4);
    expect(breaker.state).toBe('closed');
    await fail(1);
    expect(breaker.state).toBe('open');
  });

  it('stays closed while no more than half of the last twenty calls fail', async () => {
    const { breaker, succeed, fail } = breaking();
    for (let round = 0; round < 30; round++) {
      await succeed();
      await fail(1);
    }
    expect(breaker.state).toBe('closed');
    await fail(1);
    expect(breaker.state).toBe('open');
  });

  it('rejects calls while it is open, and says when to retry', async () => {
    const { breaker, fail } = breaking();
    await fail(5);
    const work = vi.fn(async () => ({ failed: false }));
    vi.advanceTimersByTime(999);
    await expect(breaker.run(work)).rejects.toMatchObject({
      code: 'unavailable',
      message: 'users keeps failing and is not called for a moment',
      status: 503,
      retryAfter: 1,
    });
    expect(work).not.toHaveBeenCalled();
  });

  it('lets a single trial call through, and closes when it succeeds', async () => {
    const { breaker, states, succeed, fail } = breaking();
    await fail(5);
    vi.advanceTimersByTime(1_000);
    const trial = Promise.withResolvers<{ failed: boolean }>();
    const trying = breaker.run(() => trial.promise);
    expect(breaker.state).toBe('half-open');
    await expect(succeed()).rejects.toMatchObject({ code: 'unavailable' });
    trial.resolve({ failed: false });
    await trying;
    expect(breaker.state).toBe('closed');
    await fail(3);
    expect(states).toEqual(['open', 'half-open', 'closed']);
  });

  it('opens again when the trial call fails', async () => {
    const { breaker, succeed, fail } = breaking();
    await fail(5);
    vi.advanceTimersByTime(1_000);
    await fail(1);
    expect(breaker.state).toBe('open');
    vi.advanceTimersByTime(999);
    await expect(succeed()).rejects.toMatchObject({ code: 'unavailable' });
    vi.advanceTimersByTime(1);
    await succeed();
    expect(breaker.state).toBe('closed');
  });

  it('is not affected when the wall clock is set back', async () => {
    const { breaker, succeed, fail } = breaking();
    await fail(5);
    vi.setSystemTime(Date.now() - 86_400_000);
    await expect(succeed()).rejects.toMatchObject({ code: 'unavailable', retryAfter: 1 });
    vi.advanceTimersByTime(1_000);
    await succeed();
    expect(breaker.state).toBe('closed');
  });

  it('ignores errors, and after a trial that ends with one, the next call is a trial', async () => {
    const { breaker, succeed, fail } = breaking();
    const givenUp = () =>
      breaker.run(async () => {
        throw new Error('the caller has gone');
      });
    for (let call = 0; call < 20; call++) await expect(givenUp()).rejects.toThrow('the caller has gone');
    expect(breaker.state).toBe('closed');
    await fail(5);
    vi.advanceTimersByTime(1_000);
    await expect(givenUp()).rejects.toThrow('the caller has gone');
    expect(breaker.state).toBe('open');
    await succeed();
    expect(breaker.state).toBe('closed');
  });

  it('lets one call a second pass whose outcome does not depend on the upstream alone, which is no trial', async () => {
    const { breaker, succeed, fail } = breaking();
    await fail(5);
    const upload = vi.fn(() => new Promise<{ failed: boolean }>(() => undefined));
    vi.advanceTimersByTime(999);
    await expect(breaker.run(upload, false)).rejects.toMatchObject({ code: 'unavailable' });
    vi.advanceTimersByTime(1);
    void breaker.run(upload, false);
    await expect(breaker.run(upload, false)).rejects.toMatchObject({ code: 'unavailable' });
    vi.advanceTimersByTime(1_000);
    void breaker.run(upload, false);
    expect(upload).toHaveBeenCalledTimes(2);
    expect(breaker.state).toBe('open');
    await succeed();
    expect(breaker.state).toBe('closed');
  });

  it('closes when such a call succeeds, because there may be no others', async () => {
    const { breaker, fail } = breaking();
    const upload = (failed: boolean) => breaker.run(async () => ({ failed }), false);
    await fail(5);
    vi.advanceTimersByTime(1_000);
    expect(await upload(true)).toEqual({ failed: true });
    expect(breaker.state).toBe('open');
    vi.advanceTimersByTime(1_000);
    expect(await upload(false)).toEqual({ failed: false });
    expect(breaker.state).toBe('closed');
  });

  it('needs nobody who listens', async () => {
    const breaker = createBreaker('users');
    for (let call = 0; call < 5; call++) await breaker.run(async () => ({ failed: true }));
    await expect(breaker.run(async () => ({ failed: false }))).rejects.toMatchObject({ code: 'unavailable' });
  });
});
