import { Readable } from 'node:stream';
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
    const { signal } = deadline;
    vi.advanceTimersByTime(1);
    expect(deadline.left()).toBe(0);
    expect(deadline.signal).toBe(signal);
    const message = 'users did not respond within 1000 ms';
    expect(deadline.signal.reason).toMatchObject({ code: 'deadline_exceeded', message });
  });

  it('is the time left for the request, less the margin for its own response, if that is shorter', () => {
    const left = (ms: number) => withContext(requestWith(ms), () => startDeadline('users', 1_000).left());
    expect(left(500)).toBe(480);
    expect(left(5_000)).toBe(1_000);
  });

  it('has passed when no time is left: the call is rejected immediately', () => {
    expect(() => withContext(requestWith(20), () => startDeadline('users', 1_000))).toThrow(
      expect.objectContaining({ code: 'deadline_exceeded', message: 'No time is left to call users' }),
    );
  });

  it('ends when the caller aborts the call, with its reason', async () => {
    const caller = new AbortController();
    const deadline = startDeadline('users', 1_000, caller.signal);
    caller.abort(new Error('gone'));
    await expect(deadline.expired).rejects.toThrow('gone');
    expect(() => startDeadline('users', 1_000, caller.signal)).toThrow('gone');
  });

  it('ends once, for the first reason', () => {
    const caller = new AbortController();
    const deadline = startDeadline('users', 1_000, caller.signal);
    const reason = new Error('gone');
    caller.abort(reason);
    vi.advanceTimersByTime(1_000);
    expect(deadline.ended?.reason).toBe(reason);
  });

  it('aborts nothing when the call has ended before', () => {
    const caller = new AbortController();
    const deadline = startDeadline('users', 1_000, caller.signal);
    deadline.clear();
    caller.abort();
    vi.advanceTimersByTime(2_000);
    expect(deadline.signal.aborted).toBe(false);
  });

  it('counts against the upstream only if it had a second, or all that the call allows', () => {
    const overdue = (left: number, timeoutMs: number) => {
      const deadline = withContext(requestWith(left), () => startDeadline('users', timeoutMs));
      vi.advanceTimersByTime(timeoutMs);
      return deadline.overdue();
    };
    expect(overdue(1_020, 5_000)).toBe(true);
    expect(overdue(1_000, 5_000)).toBe(false);
    expect(overdue(5_000, 100)).toBe(true);
  });

  it('is the client’s while it has not sent its body, and counts from the end of the body', async () => {
    const late = (endsAfter?: number) => {
      const body = new Readable({ read: () => undefined });
      const deadline = startDeadline('users', 2_000, undefined, body);
      vi.advanceTimersByTime(endsAfter ?? 0);
      if (endsAfter !== undefined) body.emit('end');
      vi.advanceTimersByTime(2_000 - (endsAfter ?? 0));
      return [(deadline.signal.reason as { code: string }).code, deadline.overdue()];
    };
    expect(late()).toEqual(['request_timeout', false]);
    expect(late(1_000)).toEqual(['deadline_exceeded', true]);
    expect(late(1_001)).toEqual(['deadline_exceeded', false]);
  });
});
