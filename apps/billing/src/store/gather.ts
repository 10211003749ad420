type Waiting<Item, Result> = {
  item: Item;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
};

/**
 * Does the work of one key one after the other, and together what came meanwhile: writers of one document do
 * not race each other, and a slow store makes larger writes, not a longer queue.
 *
 * @param work answers a result for each item, in their order; if it fails, it fails for all of them
 * @param most items taken together
 */
export function gather<Item, Result>(
  work: (key: string, items: Item[]) => Promise<Result[]>,
  most: number,
): (key: string, item: Item) => Promise<Result> {
  const queues = new Map<string, Waiting<Item, Result>[]>();

  async function run(key: string, queue: Waiting<Item, Result>[]): Promise<void> {
    while (queue.length > 0) {
      const taken = queue.splice(0, most);
      try {
        const results = await work(
          key,
          taken.map(({ item }) => item),
        );
        for (const [index, { resolve }] of taken.entries()) resolve(results[index] as Result);
      } catch (error) {
        for (const { reject } of taken) reject(error);
      }
    }
    queues.delete(key);
  }

  return (key, item) =>
    new Promise((resolve, reject) => {
      const waiting = { item, resolve, reject };
      const queue = queues.get(key);
      if (queue) {
        queue.push(waiting);
        return;
      }
      const first = [waiting];
      queues.set(key, first);
      void run(key, first);
    });
}
