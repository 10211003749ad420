import { describe, expect, it, vi } from 'vitest';
import { RejectionQueue } from './rejection-queue.ts';

/** A queue of rejections; `sent` lists those that were sent. */
function openQueue() {
  const sent: string[] = [];
  const queue = new RejectionQueue((reason, { url }) => sent.push(`${reason} ${url}`));
  const push = (url: string, { isGone = false, headers = {} } = {}) => {
    const request = { url, headers, socket: { destroyed: isGone }, resume: vi.fn() };
    queue.push('queue_full', request as never, {} as never, 0);
    return request;
  };
  const pushMany = (count: number, isGone = false) => {
    for (let n = 1; n <= count; n += 1) push(`${n}`, { isGone });
  };
  /** Runs iterations, and returns how many rejections each sent. */
  const iterate = (count: number, work = 1) =>
    Array.from({ length: count }, () => {
      const before = sent.length;
      queue.nextIteration(work);
      return sent.length - before;
    });
  return { queue, sent, push, pushMany, iterate };
}

describe('a queue of rejections', () => {
  it('sends those of an event-loop iteration together, in their order', () => {
    const { queue, sent, pushMany, iterate } = openQueue();
    pushMany(2);
    expect(sent).toEqual([]);
    expect(queue.size).toBe(2);
    iterate(1);
    expect(sent).toEqual(['queue_full 1', 'queue_full 2']);
    expect(queue.size).toBe(0);
  });

  it('sends eight in an iteration, so that those who send again at once do not keep others from being served', () => {
    const { pushMany, iterate } = openQueue();
    pushMany(20);
    expect(iterate(4)).toEqual([8, 8, 4, 0]);
  });

  it('sends more beside requests that take longer, up to sixteen, and not fewer beside shorter ones', () => {
    const { pushMany, iterate } = openQueue();
    pushMany(64);
    expect([1.3, 5, 0].flatMap((work) => iterate(1, work))).toEqual([10, 16, 8]);
  });

  it('drops those whose clients have disconnected, and sends others in their place', () => {
    const { queue, sent, push, pushMany, iterate } = openQueue();
    pushMany(100, true);
    push('still there');
    iterate(1);
    expect(sent).toEqual(['queue_full still there']);
    expect(queue.size).toBe(0);
  });

  it('discards the body of a request that waits', () => {
    const { push } = openQueue();
    expect(push('upload', { headers: { 'content-length': '5' } }).resume).toHaveBeenCalledOnce();
    expect(push('without a body').resume).not.toHaveBeenCalled();
  });
});
