import { describe, expect, it, vi } from 'vitest';
import { Cancellation } from './cancellation.ts';
import { startDeadline } from './deadline.ts';

describe('the cancellation of a call', () => {
  it('is noticed once, with the reason of the first', () => {
    const call = new Cancellation();
    const listener = vi.fn(() => expect(call.aborted).toBe(true));
    call.addEventListener('abort', listener);
    expect(call.aborted).toBe(false);
    call.abort('the client has left');
    call.abort('again');
    expect(listener).toHaveBeenCalledOnce();
    expect(call.reason).toBe('the client has left');
  });

  it('has a reason of its own if none is given, as that of an AbortController', () => {
    const [call, controller] = [new Cancellation(), new AbortController()];
    call.addEventListener('abort', () => undefined);
    call.abort();
    controller.abort();
    expect(call.reason).toBeInstanceOf(DOMException);
    expect(call.reason).toMatchObject({
      name: controller.signal.reason.name,
      message: 'The call was aborted',
    });
  });

  it('is not noticed when the call is over', () => {
    const call = new Cancellation();
    const deadline = startDeadline('users', 1_000, call);
    deadline.clear();
    call.abort();
    expect(deadline.ended).toBeUndefined();
  });

  it('before the call starts rejects the call with its reason', () => {
    const call = new Cancellation();
    const reason = new Error('the client has left');
    call.abort(reason);
    expect(() => startDeadline('users', 1_000, call)).toThrow(reason);
  });

  it('before the call starts has a reason of its own, too', () => {
    const call = new Cancellation();
    expect(call.reason).toBeUndefined();
    call.abort();
    expect(call.reason).toBeInstanceOf(DOMException);
  });
});
