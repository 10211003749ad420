import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ReportedEvent } from '../figures.ts';
import { eventStream, paid, started, used } from '../testing/events.ts';
import { type Draft, draft, type Known, nothingKnown } from './draft.ts';

/** Stores the changes of drafts, as a store does: loads the missing data, and drafts again. */
function apply(stored: Known, events: ReportedEvent[], snapshots: number[]): Draft {
  const known = nothingKnown();
  for (;;) {
    const result = draft(events, snapshots, known);
    const { figures, states } = result.missing;
    if (figures.size + states.size === 0) {
      for (const [name, sums] of result.changed.figures) stored.figures.set(name, sums);
      for (const [name, state] of result.changed.states) stored.states.set(name, state);
      return result;
    }
    for (const name of figures) known.figures.set(name, stored.figures.get(name));
    for (const name of states) known.states.set(name, stored.states.get(name));
  }
}

describe('a draft', () => {
  it('results in the same figures, however many events are counted at a time', () => {
    fc.assert(
      fc.property(eventStream, fc.integer({ min: 1, max: 40 }), (events, atATime) => {
        const [together, apart] = [nothingKnown(), nothingKnown()];
        for (let n = 0; n < events.length; n += atATime)
          apply(together, events.slice(n, n + atATime), [1, 2]);
        for (const event of events) apply(apart, [event], [1, 2]);
        expect(together).toEqual(apart);
      }),
    );
  });

  it('counts the same in each snapshot', () => {
    const stored = nothingKnown();
    apply(stored, [used({ quantity: 5 })], [1, 2]);
    expect([...stored.figures]).toEqual([
      ['00000001 usage calls s1/u1', [5, 1]],
      ['00000002 usage calls s1/u1', [5, 1]],
    ]);
  });

  it('rejects an event without the others: it changes nothing, even if it could be counted into another snapshot', () => {
    const stored = nothingKnown();
    apply(stored, [paid({ amount: Number.MAX_SAFE_INTEGER })], [2]);
    const tooMuch = paid({ amount: 1 });
    const { rejected } = apply(stored, [used({}), tooMuch, started({})], [1, 2]);
    expect([...rejected.keys()]).toEqual([tooMuch.id]);
    const figures = [...stored.figures].map(([name, sums]) => [name, ...(sums ?? [])]);
    expect(figures.filter(([name]) => String(name).includes('revenue'))).toEqual([
      ['00000002 revenue 2026-03-15 basic/EUR', Number.MAX_SAFE_INTEGER, 0],
    ]);
    expect(figures).toHaveLength(5);
  });

  it('names the data that must be loaded before it is valid', () => {
    const { missing } = draft([started({}), used({})], [1], nothingKnown());
    expect([...missing.states]).toEqual(['00000001 s1']);
    expect([...missing.figures]).toEqual(['00000001 recurring basic EUR', '00000001 usage calls s1/u1']);
  });
});
