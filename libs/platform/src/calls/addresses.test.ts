import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Address, createAddresses } from './addresses.ts';

afterEach(() => {
  vi.useRealTimers();
});

const at = (origin: string, weight = 1, priority = 0): Address => ({ origin, weight, priority });

function choosing(...list: Address[]) {
  const clock = { now: 0 };
  const addresses = createAddresses(() => clock.now);
  addresses.replace(list);
  const picks = (count: number) => Array.from({ length: count }, () => addresses.pick()).join('');
  return { clock, addresses, picks };
}

describe('the addresses of a service', () => {
  it('take turns', () => {
    expect(choosing(at('a'), at('b'), at('c')).picks(6)).toBe('abcabc');
  });

  it('take turns by weight, mixed and not one after the other', () => {
    const { picks } = choosing(at('a', 5), at('b', 1), at('c', 1));
    // The sequence of nginx's commit that introduced smooth weighted round robin.
    expect(picks(7)).toBe('aabacaa');
  });

  it('count a weight of zero as the least', () => {
    const { picks } = choosing(at('a', 0), at('b', 9));
    expect(picks(10).split('a')).toHaveLength(2);
    expect(choosing(at('a', 0), at('b', 0)).picks(4)).toBe('abab');
  });

  it('of a lower priority wait until none of a higher one is left', () => {
    const { addresses, picks } = choosing(at('a', 1, 10), at('b', 1, 20), at('c', 1, 10));
    expect(picks(4)).toBe('acac');
    addresses.rest('a');
    expect(picks(2)).toBe('cc');
    addresses.rest('c');
    expect(picks(2)).toBe('bb');
  });

  it('rest for two seconds after a failure', () => {
    const { addresses, clock, picks } = choosing(at('a'), at('b'));
    addresses.rest('a');
    clock.now = 1_999;
    expect(picks(3)).toBe('bbb');
    clock.now = 2_000;
    expect(picks(4)).toMatch(/a/);
  });

  it('rest no longer when the clock of the system is set back', () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    const addresses = createAddresses();
    addresses.replace([at('a'), at('b')]);
    addresses.rest('a');
    vi.advanceTimersByTime(2_000);
    vi.setSystemTime(Date.now() - 3_600_000);
    expect([addresses.pick(), addresses.pick()]).toContain('a');
  });

  it('are asked although they rest when there are no others', () => {
    const { addresses, picks } = choosing(at('a'), at('b'));
    addresses.rest('a');
    addresses.rest('b');
    expect(picks(4)).toBe('abab');
  });

  it('that were tried already are not picked again', () => {
    const { addresses } = choosing(at('a'), at('b'));
    expect(addresses.pick(new Set(['a']))).toBe('b');
    expect(addresses.pick(new Set(['a', 'b']))).toBeUndefined();
    expect(choosing().addresses.pick()).toBeUndefined();
  });

  it('keep their rest when the list is replaced, and go when they are not in it', () => {
    const { addresses, picks } = choosing(at('a'), at('b'));
    addresses.rest('a');
    addresses.replace([at('a'), at('c')]);
    expect(picks(3)).toBe('ccc');
  });

  it('that are stopping or hang are left out longer than a resolver tells of them', () => {
    const { addresses, clock, picks } = choosing(at('a'), at('b'));
    addresses.avoid('a');
    clock.now = 14_999;
    expect(picks(3)).toBe('bbb');
    clock.now = 15_000;
    expect(picks(4)).toMatch(/a/);
  });

  it('that hang get a few calls and no more, until they answer', () => {
    const { addresses, picks } = choosing(at('a'), at('b'));
    const hanging: (() => void)[] = [];
    for (let call = 0; call < 100; call += 1) {
      const origin = addresses.pick();
      const end = addresses.begin(origin);
      if (origin === 'a') hanging.push(end);
      else end();
    }
    expect(hanging).toHaveLength(5);
    for (const end of hanging) end();
    expect(picks(4)).toMatch(/a.a/);
  });

  it('that have many calls are not taken to hang when the others have as many, by their weight', () => {
    const { addresses, picks } = choosing(at('a', 10), at('b', 1));
    for (let call = 0; call < 110; call += 1) addresses.begin(addresses.pick());
    expect(picks(11).split('b')).toHaveLength(2);
  });

  it('keep their calls when the list is replaced', () => {
    const { addresses, picks } = choosing(at('a'), at('b'));
    const ends = Array.from({ length: 5 }, () => addresses.begin('a'));
    addresses.replace([at('a'), at('b')]);
    expect(picks(2)).toBe('bb');
    for (const end of [...ends, ...ends]) end();
    expect(picks(4)).toBe('abab');
  });
});
