import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Aggregate, type AggregateStore, type Change, update } from './aggregates.ts';

type Counter = Aggregate & { value: number };

const increased = (counter: Counter): Change<Counter> => ({
  next: { ...counter, value: counter.value + 1, version: counter.version + 1 },
  events: [],
});

/** A store in which others write `rivals` times between our reading and our writing. */
function contested(rivals: number): AggregateStore<Counter> & { present: Counter } {
  let left = rivals;
  const replace = ({ next }: Change<Counter>) => {
    if (next.version !== store.present.version + 1) return false;
    store.present = next;
    return true;
  };
  const store = {
    present: { id: 'c', version: 1, value: 0 },
    get: async (id: string) => (id === 'c' ? store.present : undefined),
    add: async () => false,
    remove: async () => false,
    replace: async (change: Change<Counter>) => {
      if (left-- > 0) replace(increased(store.present));
      return replace(change);
    },
  };
  return store;
}

/** Lets chance choose the shortest pauses. */
function withoutPauses() {
  const chance = vi.spyOn(Math, 'random').mockReturnValue(0);
  onTestFinished(() => chance.mockRestore());
  return chance;
}

describe('an update', () => {
  it('applies its rule to what others have written in between', async () => {
    const store = contested(3);
    expect(await update(store, 'c', increased)).toMatchObject({ value: 4, version: 5 });
    expect(store.present.value).toBe(4);
  });

  it('writes nothing if there is nothing to do', async () => {
    const store = contested(1);
    expect(await update(store, 'c', () => undefined)).toMatchObject({ version: 1 });
    expect(store.present.version).toBe(1);
  });

  it('waits for a rule that reads something else', async () => {
    expect(await update(contested(1), 'c', async (counter) => increased(counter))).toMatchObject({
      value: 2,
    });
  });

  it('reports the aggregate that it has written, once, and none if there was nothing to do', async () => {
    const written: Counter[] = [];
    const onWritten = (counter: Counter) => void written.push(counter);
    const last = await update(contested(3), 'c', increased, { onWritten });
    await update(contested(0), 'c', () => undefined, { onWritten });
    expect(written).toEqual([last]);
  });

  it('adds the aggregate if it is missing and may begin with a first state', async () => {
    const added: Counter[] = [];
    const add = async ({ next }: Change<Counter>) => added.push(next) > 0;
    const store = { ...contested(0), get: async () => undefined, add };
    await update(store, 'new', increased, { ifMissing: () => ({ id: 'new', version: 0, value: 0 }) });
    expect(added).toEqual([{ id: 'new', version: 1, value: 1 }]);
  });

  it('writes nothing where nothing is, if that ends it', async () => {
    const store = contested(0);
    expect(await update(store, 'other', increased, { ifMissing: () => undefined })).toBeUndefined();
    expect(store.present.version).toBe(1);
  });

  it('removes the aggregate in the version that the rule has seen', async () => {
    const removed: unknown[] = [];
    const remove = async (...facts: unknown[]) => removed.push(facts) === 2;
    const store = { ...contested(0), remove };
    expect(await update(store, 'c', () => ({ remove: true, events: [] }))).toBe(store.present);
    expect(removed).toEqual(Array(2).fill(['c', { version: 1, events: [] }]));
  });

  it('removes nothing where nothing is', async () => {
    const remove = vi.fn(async () => false);
    const store = { ...contested(0), get: async () => undefined, remove };
    const none = { id: 'new', version: 0, value: 0 };
    const ended = await update(store, 'new', () => ({ remove: true, events: [] }), { ifMissing: () => none });
    expect(ended).toBe(none);
    expect(remove).not.toHaveBeenCalled();
  });

  it('gives up in bounded time against endless rivals, and says that nothing is decided', async () => {
    withoutPauses();
    await expect(update(contested(Number.POSITIVE_INFINITY), 'c', increased)).rejects.toMatchObject({
      status: 503,
      code: 'overloaded',
      message: 'Too many requests change it at the same time; try again',
      retryAfter: 1,
    });
  });

  it('pauses by chance after each lost round, so that rivals do not meet again', async () => {
    const chance = withoutPauses();
    await update(contested(3), 'c', increased);
    expect(chance).toHaveBeenCalledTimes(3);
  });

  it('finds nothing where nothing is', async () => {
    await expect(update(contested(0), 'other', increased)).rejects.toMatchObject({ code: 'not_found' });
  });
});
