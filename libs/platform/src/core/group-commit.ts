type Waiting<Item, Result> = { item: Item; resolve(result: Result): void; reject(error: unknown): void };

/**
 * Joins calls into groups, so that one commit serves many: while a group is being committed the next one
 * gathers. Groups run one after the other, and items keep the order in which they came.
 *
 * @param limits how many items a group has at most, and how large (in the unit of `sizeOf`) they are together;
 *   an item that alone is larger gets a group of its own
 * @param commit answers for each item, in order, with its result, or with the error that the item's call rejects
 *   with. If it rejects itself, so do all calls: those of the group and those that wait behind it, which
 *   would only meet the same fault later.
 */
export function inGroups<Item, Result>(
  { most, largest, sizeOf }: { most: number; largest: number; sizeOf(item: Item): number },
  commit: (items: Item[]) => Promise<(Result | Error)[]>,
): (item: Item) => Promise<Result> {
  let queue: Waiting<Item, Result>[] = [];
  let running = false;

  const nextGroup = (): Waiting<Item, Result>[] => {
    let size = 0;
    const end = queue.findIndex(({ item }, n) => {
      size += sizeOf(item);
      return n > 0 && (n >= most || size > largest);
    });
    return queue.splice(0, end === -1 ? queue.length : end);
  };

  const run = async () => {
    running = true;
    while (queue.length > 0) {
      const group = nextGroup();
      try {
        const results = await commit(group.map(({ item }) => item));
        for (const [n, { resolve, reject }] of group.entries()) {
          const result = results[n];
          if (result instanceof Error) reject(result);
          else resolve(result as Result);
        }
      } catch (error) {
        const behind = queue;
        queue = [];
        for (const { reject } of [...group, ...behind]) reject(error);
      }
    }
    running = false;
  };

  return (item) =>
    new Promise((resolve, reject) => {
      queue.push({ item, resolve, reject });
      // Calls of the same turn go together from the start.
      if (!running) {
        running = true;
        queueMicrotask(run);
      }
    });
}
