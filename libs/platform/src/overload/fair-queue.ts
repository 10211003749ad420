import { type Priority, priorities } from '@slipway/contract-kit/operation';

/** Who waits: what it is, and for whom. */
type Place = { priority: Priority; caller: string };

/**
 * What waits for its turn. A class goes before the next one; in a class the callers take turns, one item each, so
 * that who sends most waits longest. (Fair queueing: Nagle, RFC 970; round robin as in fq_codel, RFC 8290.)
 *
 * @example
 * queue.push({ priority: 'interactive', caller: 'ada' }, request);
 * queue.shift(); // the next request, if there is any
 */
export class FairQueue<Item> {
  readonly #classes = new Map(
    priorities.map((priority) => [priority, { size: 0, callers: new Map<string, Item[]>() }]),
  );
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push({ priority, caller }: Place, item: Item): void {
    const { callers } = this.#class(priority);
    const own = callers.get(caller);
    if (own) own.push(item);
    else callers.set(caller, [item]);
    this.#count(priority, 1);
  }

  /** Takes the next one out: of the first class that has any, from the caller whose turn it is. */
  shift(): Item | undefined {
    for (const [priority, { callers }] of this.#classes) {
      const [turn] = callers;
      if (!turn) continue;
      const [caller, items] = turn;
      const item = items.shift();
      callers.delete(caller);
      // To the end of the round.
      if (items.length > 0) callers.set(caller, items);
      this.#count(priority, -1);
      return item;
    }
    return undefined;
  }

  /** Removes what `isOver` says, wherever it waits. */
  remove(isOver: (item: Item) => boolean): void {
    for (const [priority, { callers }] of this.#classes) {
      for (const [caller, items] of callers) {
        const kept = items.filter((item) => !isOver(item));
        this.#count(priority, kept.length - items.length);
        if (kept.length > 0) callers.set(caller, kept);
        else callers.delete(caller);
      }
    }
  }

  /** How many would be taken out before an item that came now. */
  ahead({ priority, caller }: Place): number {
    let before = 0;
    for (const [each, { size, callers }] of this.#classes) {
      if (each !== priority) {
        before += size;
        continue;
      }
      const own = callers.get(caller)?.length ?? 0;
      const round = callers.size + (own > 0 ? 0 : 1);
      return before + Math.min(size, (own + 1) * round - 1);
    }
    return before;
  }

  #class(priority: Priority) {
    const found = this.#classes.get(priority);
    if (!found) throw new TypeError(`There is no class ${priority}`);
    return found;
  }

  #count(priority: Priority, by: number): void {
    this.#class(priority).size += by;
    this.#size += by;
  }
}
