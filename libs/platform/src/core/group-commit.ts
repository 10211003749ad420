type Queued<Item, Result> = { item: Item; resolve(result: Result): void; reject(error: unknown): void };

type GroupLimits<Item> = {
  /** Maximum number of items in a group; unlimited if absent. */
  maxItems?: number;
  /** Maximum size of a group, in the unit of `sizeOf`. A larger item gets a group of its own. */
  maxSize: number;
  sizeOf(item: Item): number;
  /** Whether a failed commit also rejects the calls that are queued behind it, which would fail as it did. */
  rejectQueued?: boolean;
};

/**
 * Commits the items of several calls together (group commit): while one group is being committed, the next one
 * gathers. Groups run one after another, and items keep the order of their calls.
 *
 * @param commit returns a result for each item, in order, or an `Error` that rejects the item's call. If it
 *   rejects, all calls of the group reject.
 * @example
 * const insert = inGroups({ maxSize: 100, sizeOf: () => 1 }, (notes: Note[]) => insertAll(notes));
 * await Promise.all([insert(a), insert(b)]); // one commit
 */
export function inGroups<Item, Result>(
  { maxItems = Number.POSITIVE_INFINITY, maxSize, sizeOf, rejectQueued = false }: GroupLimits<Item>,
  commit: (items: Item[]) => Promise<(Result | Error)[]>,
): (item: Item) => Promise<Result> {
  const queue: Queued<Item, Result>[] = [];
  let running = false;

  const nextGroup = () => {
    let size = 0;
    const end = queue.findIndex(({ item }, index) => {
      size += sizeOf(item);
      return index > 0 && (index >= maxItems || size > maxSize);
    });
    return queue.splice(0, end === -1 ? queue.length : end);
  };

  const run = async () => {
    while (queue.length > 0) {
      const group = nextGroup();
      try {
        settle(group, await commit(group.map(({ item }) => item)));
      } catch (error) {
        const failed = rejectQueued ? [...group, ...queue.splice(0)] : group;
        for (const { reject } of failed) reject(error);
      }
    }
    running = false;
  };

  return (item) =>
    new Promise((resolve, reject) => {
      queue.push({ item, resolve, reject });
      if (running) return;
      running = true;
      // Later, so that calls made by the same running code are in one group.
      queueMicrotask(run);
    });
}

function settle<Result>(group: Queued<unknown, Result>[], results: (Result | Error)[]): void {
  for (const [index, { resolve, reject }] of group.entries()) {
    const result = results[index];
    if (result instanceof Error) reject(result);
    else resolve(result as Result);
  }
}
