type Waiting<Item, Result> = {
  item: Item;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
};

type Gathered<Item, Result> = {
  /** Answers a result for each item, in their order; if it fails, it fails for all of them. */
  work: (items: Item[]) => Promise<Result[]>;
  sizeOf: (item: Item) => number;
  /** Size of what is taken together; a larger item is taken alone. */
  most: number;
};

/**
 * Does the work of each key one after the other, and what came meanwhile together: writers of the same thing
 * do not race each other, and a slow store gets larger writes instead of a longer queue.
 */
export function gather<Key, Item, Result>({
  work,
  sizeOf,
  most,
}: Gathered<Item, Result>): (key: Key, item: Item) => Promise<Result> {
  const queues = new Map<Key, Waiting<Item, Result>[]>();

  function take(queue: Waiting<Item, Result>[]): Waiting<Item, Result>[] {
    let size = 0;
    const end = queue.findIndex(({ item }, index) => {
      size += sizeOf(item);
      return index > 0 && size > most;
    });
    return queue.splice(0, end === -1 ? queue.length : end);
  }

  async function run(key: Key, queue: Waiting<Item, Result>[]): Promise<void> {
    // In the next turn: what is asked for in the same one is taken together from the beginning.
    await undefined;
    while (queue.length > 0) {
      const taken = take(queue);
      try {
        const results = await work(taken.map(({ item }) => item));
        for (const [index, { resolve }] of taken.entries()) resolve(results[index] as Result);
      } catch (error) {
        for (const { reject } of taken) reject(error);
      }
    }
    queues.delete(key);
  }

  return (key, item) =>
    new Promise((resolve, reject) => {
      const queue = queues.get(key);
      if (queue) {
        queue.push({ item, resolve, reject });
        return;
      }
      const first = [{ item, resolve, reject }];
      queues.set(key, first);
      void run(key, first);
    });
}
