import { describe, expect, it } from 'vitest';
import { RejectionQueue } from './rejection-queue.ts';

/** A queue of rejections; `sent` lists those that were sent. */
function openQueue() {
  const sent: number[] = [];
  const queue = new RejectionQueue((request) => sent.push(Number(request)));
  const push = (from: number, to: number) => {
    for (let number = from; number <= to; number += 1) queue.push(number as never, { socket: {} } as never);
  };
  /** Runs iterations, and returns how many rejections each sent. */
  const iterate = (count: number) =>
    Array.from({ length: count }, () => {
      const before = sent.length;
      queue.nextIteration();
      return sent.length - before;
    });
  return { queue, sent, push, iterate };
}

describe('a queue of rejections', () => {
  it('sends those of an event-loop iteration together, in their order', () => {
    const { queue, sent, push, iterate } = openQueue();
    push(1, 3);
    expect(sent).toEqual([]);
    expect(queue.size).toBe(3);
    iterate(1);
    expect(sent).toEqual([1, 2, 3]);
    expect(queue.size).toBe(0);
  });

  it('sends twelve in an iteration, so that those who send again at once do not keep others from being served', () => {
    const { push, iterate } = openQueue();
    push(1, 30);
    expect(iterate(4)).toEqual([12, 12, 6, 0]);
  });

  it('has no client wait for much longer than 128 iterations, however many come', () => {
    const { sent, push, iterate } = openQueue();
    const perIteration = 24;
    for (let iteration = 0; iteration < 1_000; iteration += 1) {
      push(iteration * perIteration, (iteration + 1) * perIteration - 1);
      iterate(1);
      expect(iteration - sent.length / perIteration).toBeLessThan(130);
    }
  });

  it('holds one rejection of a connection: Node holds back the responses after it', () => {
    const { queue, sent } = openQueue();
    queue.push(1 as never, { socket: {} } as never);
    queue.push(2 as never, { socket: null } as never);
    expect(sent).toEqual([2]);
    expect(queue.size).toBe(1);
  });
});
