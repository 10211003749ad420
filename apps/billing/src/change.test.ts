import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Aggregate, type AggregateStore, type Change, update } from './change.ts';

type Counter = Aggregate & { value: number };

const increased = (counter: Counter): Change<Counter> => ({
  next: { ...counter, value: counter.value + 1, version: counter.version + 1 },
  entries: [],
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

  it('gives up in bounded time against endless rivals, and says that nothing is decided', async () => {
    withoutPauses();
    await expect(update(contested(Number.POSITIVE_INFINITY), 'c', increased)).rejects.toMatchObject({
      status: 503,
      code: 'overloaded',
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
