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

  it('take turns by weight, evenly mixed', () => {
    const { picks } = choosing(at('a', 5), at('b', 1), at('c', 1));
    // The sequence of nginx's commit that introduced smooth weighted round robin.
    expect(picks(7)).toBe('aabacaa');
  });

  it('treat a weight of zero as the lowest', () => {
    const { picks } = choosing(at('a', 0), at('b', 9));
    expect(picks(10).split('a')).toHaveLength(2);
    expect(choosing(at('a', 0), at('b', 0)).picks(4)).toBe('abab');
  });

  it('of a lower priority are used only when none of a higher priority is left', () => {
    const { addresses, picks } = choosing(at('a', 1, 10), at('b', 1, 20), at('c', 1, 10));
    expect(picks(4)).toBe('acac');
    addresses.skipUnreachable('a');
    expect(picks(2)).toBe('cc');
    addresses.skipUnreachable('c');
    expect(picks(2)).toBe('bb');
  });

  it('are skipped for two seconds after a failed connection', () => {
    const { addresses, clock, picks } = choosing(at('a'), at('b'));
    addresses.skipUnreachable('a');
    clock.now = 1_999;
    expect(picks(3)).toBe('bbb');
    clock.now = 2_000;
    expect(picks(4)).toMatch(/a/);
  });

  it('are skipped no longer when the system clock is set back', () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    const addresses = createAddresses();
    addresses.replace([at('a'), at('b')]);
    addresses.skipUnreachable('a');
    expect([addresses.pick(), addresses.pick()]).toEqual(['b', 'b']);
    vi.advanceTimersByTime(2_000);
    vi.setSystemTime(Date.now() - 3_600_000);
    expect([addresses.pick(), addresses.pick()]).toContain('a');
  });

  it('are used even if skipped when there are no others', () => {
    const { addresses, picks } = choosing(at('a'), at('b'));
    addresses.skipUnreachable('a');
    addresses.skipUnreachable('b');
    expect(picks(4)).toBe('abab');
  });

  it('that were tried already are not picked again', () => {
    const { addresses } = choosing(at('a'), at('b'));
    expect(addresses.pick(new Set(['a']))).toBe('b');
    expect(addresses.pick(new Set(['a', 'b']))).toBeUndefined();
    expect(choosing().addresses.pick()).toBeUndefined();
  });

  it('remain skipped when the list is replaced, and disappear when they are not in it', () => {
    const { addresses, picks } = choosing(at('a'), at('b'));
    addresses.skipUnreachable('a');
    addresses.replace([at('a'), at('c')]);
    expect(picks(3)).toBe('ccc');
  });

  it('that are stopping or hang are skipped for longer than DNS returns them', () => {
    const { addresses, clock, picks } = choosing(at('a'), at('b'));
    addresses.skipLeaving('a');
    clock.now = 14_999;
    expect(picks(3)).toBe('bbb');
    clock.now = 15_000;
    expect(picks(4)).toMatch(/a/);
  });

  it('that stop one after the other while none else is left: the first is called, which may be back', () => {
    const { addresses, clock, picks } = choosing(at('a'), at('b'));
    addresses.skipLeaving('a');
    clock.now = 8_000;
    addresses.skipLeaving('b');
    expect(picks(3)).toBe('aaa');
  });

  it('that stop are called when the others cannot be connected to', () => {
    const { addresses, clock, picks } = choosing(at('a'), at('b'));
    addresses.skipLeaving('a');
    clock.now = 8_000;
    addresses.skipLeaving('b');
    addresses.skipUnreachable('a');
    expect(picks(3)).toBe('bbb');
  });

  it('that hang take turns when there are no others', () => {
    const { addresses, clock, picks } = choosing(at('a'), at('b'));
    addresses.skipHanging('a');
    clock.now = 100;
    addresses.skipHanging('b');
    expect(picks(4)).toBe('abab');
  });

  it('that hang get only a few calls until they respond', () => {
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

  it('that have many calls in flight do not count as hanging when the others have as many, by weight', () => {
    const { addresses, picks } = choosing(at('a', 10), at('b', 1));
    for (let call = 0; call < 110; call += 1) addresses.begin(addresses.pick());
    expect(picks(11).split('b')).toHaveLength(2);
  });

  it('keep their count of calls when the list is replaced', () => {
    const { addresses, picks } = choosing(at('a'), at('b'));
    const ends = Array.from({ length: 5 }, () => addresses.begin('a'));
    addresses.replace([at('a'), at('b')]);
    expect(picks(2)).toBe('bb');
    for (const end of [...ends, ...ends]) end();
    expect(picks(4)).toBe('abab');
  });

  it('get fewer calls than another with the same calls in flight, if their weight is lower', () => {
    const { addresses, picks } = choosing(at('a', 4), at('b', 1));
    for (let call = 0; call < 4; call += 1) addresses.begin('a');
    for (let call = 0; call < 7; call += 1) addresses.begin('b');
    expect(picks(5)).toBe('aaaaa');
  });

  it.each([
    ['a', 'b'],
    ['b', 'a'],
  ])('that are all stopping are called in the order in which they said so (first %s)', (first, second) => {
    const { addresses, clock, picks } = choosing(at('a'), at('b'));
    clock.now = 1_000;
    addresses.skipLeaving(first);
    clock.now = 2_000;
    addresses.skipLeaving(second);
    expect(picks(2)).toBe(first + first);
  });

  it('that hang are skipped for as long as those that are stopping', () => {
    const { addresses, clock, picks } = choosing(at('a'), at('b'));
    addresses.skipHanging('a');
    clock.now = 14_999;
    expect(picks(2)).toBe('bb');
    clock.now = 15_000;
    expect(picks(2)).toMatch(/a/);
  });

  it('are counted, and one that has left the list in the meantime changes nothing', () => {
    const { addresses, picks } = choosing(at('a'), at('b'));
    expect(addresses.count()).toBe(2);
    for (const gone of ['c', undefined]) {
      addresses.skipHanging(gone);
      addresses.begin(gone)();
    }
    expect(picks(4)).toBe('abab');
  });
});
