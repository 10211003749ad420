import { describe, expect, it } from 'vitest';
import { CpuShare } from './cpu-share.ts';

describe('the share of a processor', () => {
  /** A loop that is busy for some time, of which it computes a part. */
  function start() {
    let now = 0;
    let cpu = 0;
    const share = new CpuShare(() => cpu);
    return {
      share,
      isStarved: () => share.isStarved(now),
      spend(ms: number, part: number) {
        for (const end = now + ms; now < end; now += 10, cpu += 10 * part) share.busy(now);
      },
      rest(ms: number) {
        share.idle();
        now += ms;
      },
    };
  }

  it('is enough for a loop that is alone, and too little for one that gets less than half', () => {
    const { isStarved, spend } = start();
    spend(300, 1);
    expect(isStarved()).toBe(false);
    spend(300, 0.3);
    expect(isStarved()).toBe(true);
    spend(300, 0.9);
    expect(isStarved()).toBe(false);
  });

  it('is not judged by a moment, and not by the time without work', () => {
    const { isStarved, spend, rest } = start();
    spend(90, 0.1);
    expect(isStarved()).toBe(false);
    rest(5_000);
    spend(300, 1);
    expect(isStarved()).toBe(false);
  });

  it('is forgotten after ten seconds', () => {
    const { isStarved, spend, rest } = start();
    spend(300, 0.1);
    rest(9_000);
    expect(isStarved()).toBe(true);
    rest(1_100);
    expect(isStarved()).toBe(false);
  });

  it('is measured over 100 ms at least, and half of a processor is enough', () => {
    let cpu = 0;
    const share = new CpuShare(() => cpu);
    share.busy(0);
    share.busy(99);
    expect(share.isStarved(99)).toBe(false);
    share.busy(100);
    expect(share.isStarved(100)).toBe(true);
    cpu = 50;
    share.busy(200);
    expect(share.isStarved(200)).toBe(false);
  });

  it('is measured on the thread of the event loop', () => {
    const share = new CpuShare();
    const begin = performance.now();
    share.busy(begin);
    while (performance.now() - begin < 150);
    // Twice the time passed that the thread could have computed in.
    const end = begin + 10 * (performance.now() - begin);
    share.busy(end);
    expect(share.isStarved(end)).toBe(true);
  });
});
