type Entry<Item> = { item: Item; index: number };

/**
 * The objects of a kind that exist now, such as the requests in flight, in no order.
 *
 * It is no `Set`: as a `Set` changes, V8 replaces its table, and each discarded table refers to the next one. Once one of
 * them is in the old generation, minor garbage collections keep what is in all that follow. For requests, that made these
 * collections four times as expensive.
 *
 * @example
 * const remove = connections.add(socket);
 * socket.once('close', remove);
 */
export class LiveList<Item> implements Iterable<Item> {
  readonly #entries: Entry<Item>[] = [];

  get size(): number {
    return this.#entries.length;
  }

  /** Adds an object, and returns the function that removes it. That one returns whether the object was still there. */
  add(item: Item): () => boolean {
    const entry = { item, index: this.#entries.length };
    this.#entries.push(entry);
    return () => this.#remove(entry);
  }

  /** The last entry takes the place of the removed one. */
  #remove(entry: Entry<Item>): boolean {
    if (this.#entries[entry.index] !== entry) return false;
    const last = this.#entries.pop();
    if (last && last !== entry) {
      last.index = entry.index;
      this.#entries[last.index] = last;
    }
    return true;
  }

  /** Visits the objects that are there when it begins, also those that are removed meanwhile. */
  [Symbol.iterator](): Iterator<Item> {
    return this.#entries.map(({ item }) => item).values();
  }
}
