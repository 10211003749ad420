import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { withContext } from '../core/request-context.ts';
import { requestWith } from '../testing/request-context.ts';
import { startDeadline } from './deadline.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the deadline of a call', () => {
  it('is its own timeout outside of a request', () => {
    const deadline = startDeadline('users', 1_000);
    vi.advanceTimersByTime(999);
    expect(deadline.left()).toBe(1);
    expect(deadline.signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(deadline.left()).toBe(0);
    expect(deadline.signal.reason).toMatchObject({ code: 'deadline_exceeded' });
  });

  it('is what the request has left, less what its own answer takes, when that is sooner', () => {
    const left = (ms: number) => withContext(requestWith(ms), () => startDeadline('users', 1_000).left());
    expect(left(500)).toBe(480);
    expect(left(5_000)).toBe(1_000);
  });

  it('has passed when nothing is left: the call is refused at once', () => {
    expect(() => withContext(requestWith(20), () => startDeadline('users', 1_000))).toThrow(
      expect.objectContaining({ code: 'deadline_exceeded' }),
    );
  });

  it('is over when the caller gives the call up, with the reason of that', async () => {
    const caller = new AbortController();
    const deadline = startDeadline('users', 1_000, caller.signal);
    caller.abort(new Error('gone'));
    await expect(deadline.expired).rejects.toThrow('gone');
    expect(() => startDeadline('users', 1_000, caller.signal)).toThrow('gone');
  });

  it('ends nothing when the call was over before', () => {
    const caller = new AbortController();
    const deadline = startDeadline('users', 1_000, caller.signal);
    deadline.clear();
    caller.abort();
    vi.advanceTimersByTime(2_000);
    expect(deadline.signal.aborted).toBe(false);
  });

  it('is held against the upstream only if that had a second, or all that the call allows', () => {
    const overdue = (left: number, timeoutMs: number) => {
      const deadline = withContext(requestWith(left), () => startDeadline('users', timeoutMs));
      vi.advanceTimersByTime(timeoutMs);
      return deadline.overdue();
    };
    expect(overdue(1_020, 5_000)).toBe(true);
    expect(overdue(1_000, 5_000)).toBe(false);
    expect(overdue(5_000, 100)).toBe(true);
  });
});
