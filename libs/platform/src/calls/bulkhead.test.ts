import type { Priority } from '@slipway/contract-kit/operation';
import { expect, it, vi } from 'vitest';
import { createBulkhead } from './bulkhead.ts';

const share = (client: string, priority: Priority = 'interactive') => ({ client: () => client, priority });

/** A bulkhead, and the number of calls that have a permit. */
function open(options: { slots: number; permits: number }) {
  const onRejected = vi.fn();
  const bulkhead = createBulkhead('users', {
    ...options,
    permits: () => options.permits,
    clientShare: 0.5,
    clientCode: 'rate_limited',
    onRejected,
  });
  const leaves: (() => void)[] = [];
  const enter = async (by?: ReturnType<typeof share>, signal = new AbortController().signal) => {
    const leave = await bulkhead.enter(by, { signal });
    leaves.push(leave);
    return leave;
  };
  return { bulkhead, enter, leaves, onRejected };
}

it('lets one client use half of the slots, and others the rest', async () => {
  const { enter, onRejected } = open({ slots: 8, permits: 8 });
  for (let call = 0; call < 4; call += 1) await enter(share('noisy'));
  await expect(enter(share('noisy'))).rejects.toMatchObject({ code: 'rate_limited', retryAfter: 1 });
  expect(onRejected).toHaveBeenCalledOnce();
  await enter(share('quiet'));
});

it('lets one priority use three quarters of the slots, however many clients it has', async () => {
  const { enter } = open({ slots: 8, permits: 8 });
  for (let call = 0; call < 6; call += 1) await enter(share(`client ${call}`, 'batch'));
  await expect(enter(share('another', 'batch'))).rejects.toMatchObject({ code: 'overloaded' });
  await enter(share('another', 'money'));
});

it('limits nothing but the number of all calls that no client has caused', async () => {
  const { bulkhead, enter } = open({ slots: 8, permits: 2 });
  for (let call = 0; call < 8; call += 1) await enter();
  await expect(enter()).rejects.toMatchObject({
    ...{ code: 'unavailable', message: 'Too many calls to users are waiting' },
  });
  expect(bulkhead.used).toBe(8);
});

it('has the calls of a client wait beyond half of the permits, while those of others run', async () => {
  const { enter, leaves } = open({ slots: 64, permits: 8 });
  for (let call = 0; call < 4; call += 1) await enter(share('noisy'));
  const waits = enter(share('noisy'));
  await enter(share('quiet'));
  expect(leaves).toHaveLength(5);
  leaves[0]?.();
  await waits;
  expect(leaves).toHaveLength(6);
});

it('frees the slot of a call that is aborted while it waits', async () => {
  const { bulkhead, enter, leaves } = open({ slots: 64, permits: 2 });
  await enter(share('noisy'));
  const caller = new AbortController();
  const waits = enter(share('noisy'), caller.signal);
  expect(bulkhead.used).toBe(2);
  caller.abort(new Error('gone'));
  await expect(waits).rejects.toThrow('gone');
  expect(bulkhead.used).toBe(1);
  for (const leave of leaves) leave();
  leaves[0]?.();
  expect(bulkhead.used).toBe(0);
});

it('starts one waiting call for each that ends, and a call that was aborted none', async () => {
  const { enter, leaves } = open({ slots: 64, permits: 2 });
  await enter(share('noisy'));
  const caller = new AbortController();
  const aborted = enter(share('noisy'), caller.signal);
  const waits = [enter(share('noisy')), enter(share('noisy'))];
  caller.abort(new Error('gone'));
  await expect(aborted).rejects.toThrow('gone');
  for (const [index, waiting] of waits.entries()) {
    leaves[index]?.();
    await waiting;
    expect(leaves).toHaveLength(index + 2);
  }
  leaves.at(-1)?.();
  await enter(share('noisy'));
});

it('rejects a call that would have to wait, but is aborted already', async () => {
  const { bulkhead, enter } = open({ slots: 64, permits: 2 });
  await enter(share('noisy'));
  await expect(enter(share('noisy'), AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
  expect(bulkhead.used).toBe(1);
});

it('needs nobody who counts the rejected calls', async () => {
  const limits = { slots: 1, permits: () => 1, clientShare: 1, clientCode: 'overloaded' } as const;
  const bulkhead = createBulkhead('users', limits);
  const enter = async () => bulkhead.enter(undefined, new AbortController());
  await enter();
  await expect(enter()).rejects.toMatchObject({ code: 'unavailable', retryAfter: 1 });
});
