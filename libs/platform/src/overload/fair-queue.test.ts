import { priorities } from '@slipway/contract-kit/operation';
import { describe, expect, it } from 'vitest';
import { FairQueue } from './fair-queue.ts';

function all(queue: FairQueue<string>): string[] {
  return Array.from({ length: queue.size }, () => String(queue.shift()));
}

const interactive = (client: string) => ({ priority: 'interactive', client }) as const;

describe('the fair queue', () => {
  it('keeps the order of one client', () => {
    const queue = new FairQueue<string>();
    for (const item of ['a', 'b', 'c']) queue.push(interactive('ada'), item);
    expect(all(queue)).toEqual(['a', 'b', 'c']);
    expect(queue.shift()).toBeUndefined();
  });

  it('lets clients take turns', () => {
    const queue = new FairQueue<string>();
    for (const item of ['a1', 'a2', 'a3']) queue.push(interactive('ada'), item);
    for (const item of ['b1', 'b2']) queue.push(interactive('bob'), item);
    expect(all(queue)).toEqual(['a1', 'b1', 'a2', 'b2', 'a3']);
  });

  it('serves a priority before the next', () => {
    const queue = new FairQueue<string>();
    queue.push({ priority: 'batch', client: 'ada' }, 'report');
    queue.push({ priority: 'interactive', client: 'ada' }, 'read');
    queue.push({ priority: 'money', client: 'bob' }, 'payment');
    expect(all(queue)).toEqual(['payment', 'read', 'report']);
  });

  it('returns how many are ahead of a new item, by priority and client', () => {
    const queue = new FairQueue<string>();
    for (let n = 0; n < 10; n += 1) queue.push(interactive('noisy'), `n${n}`);
    queue.push({ priority: 'money', client: 'ada' }, 'payment');
    expect(queue.ahead(interactive('noisy'))).toBe(11);
    expect(queue.ahead(interactive('quiet'))).toBe(2);
    expect(queue.ahead({ priority: 'money', client: 'bob' })).toBe(1);
    expect(queue.ahead({ priority: 'batch', client: 'ada' })).toBe(11);
  });

  it('counts the turns of others as they will be, beside clients with one request and with hundreds', () => {
    const queue = new FairQueue<string>();
    for (let n = 0; n < 50; n += 1) queue.push(interactive(`light ${n}`), 'light');
    for (let n = 0; n < 8; n += 1) queue.push(interactive('some'), 'some');
    for (let n = 0; n < 400; n += 1) queue.push(interactive('heavy'), 'heavy');
    expect(queue.ahead(interactive('some'))).toBe(66);
    expect(queue.ahead(interactive('new'))).toBe(52);
  });

  it('returns exactly how many are served before an item, whatever the queue', () => {
    let seed = 1;
    const random = (below: number) => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    for (let round = 0; round < 300; round += 1) {
      const queue = new FairQueue<string>();
      const flow = () => ({ priority: priorities[random(3)] ?? 'money', client: `client ${random(6)}` });
      for (let n = random(60); n > 0; n -= 1) {
        if (random(4) === 0) queue.shift();
        else queue.push(flow(), 'other');
      }
      const mine = flow();
      const said = queue.ahead(mine);
      queue.push(mine, 'mine');
      expect(all(queue).indexOf('mine')).toBe(said);
    }
  });

  it('removes items of any client', () => {
    const queue = new FairQueue<string>();
    for (const item of ['a', 'gone', 'c']) queue.push(interactive('ada'), item);
    queue.push(interactive('bob'), 'gone');
    queue.remove((item) => item === 'gone');
    expect(queue.size).toBe(2);
    expect(queue.ahead(interactive('new'))).toBe(1);
    expect(all(queue)).toEqual(['a', 'c']);
  });
});
