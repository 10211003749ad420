import { type Priority, priorities } from '@slipway/contract-kit/operation';

/** The items of one client with one priority. */
export type Flow = { priority: Priority; client: string };

/**
 * A queue that is fair to clients. A higher priority goes first; within a priority, clients take turns, one item each,
 * so that a client waits longer the more it sends. (Fair queueing: Nagle, RFC 970; round robin as in fq_codel, RFC 8290.)
 *
 * @example
 * queue.push({ priority: 'interactive', client: 'ada' }, request);
 * queue.shift(); // the next request, if there is one
 */
export class FairQueue<Item> {
  readonly #classes = new Map(
    priorities.map((priority) => [priority, { size: 0, clients: new Map<string, Item[]>() }]),
  );
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Returns the number of items with a priority. */
  sizeOf(priority: Priority): number {
    return this.#class(priority).size;
  }

  /** Returns the number of items of a client, with all priorities. */
  sizeOfClient(client: string): number {
    let size = 0;
    for (const { clients } of this.#classes.values()) size += clients.get(client)?.length ?? 0;
    return size;
  }

  push({ priority, client }: Flow, item: Item): void {
    const { clients } = this.#class(priority);
    const own = clients.get(client);
    if (own) own.push(item);
    else clients.set(client, [item]);
    this.#count(priority, 1);
  }

  /** Removes and returns the next item: of the highest priority that has any, from the client whose turn it is. */
  shift(): Item | undefined {
    for (const [priority, { clients }] of this.#classes) {
      const [turn] = clients;
      if (!turn) continue;
      const [client, items] = turn;
      const item = items.shift();
      clients.delete(client);
      // The client goes to the end of the round.
      if (items.length > 0) clients.set(client, items);
      this.#count(priority, -1);
      return item;
    }
    return undefined;
  }

  /** Removes every item for which `isOver` returns true. */
  remove(isOver: (item: Item) => boolean): void {
    for (const [priority, { clients }] of this.#classes) {
      for (const [client, items] of clients) {
        const left = items.filter((item) => !isOver(item));
        this.#count(priority, left.length - items.length);
        if (left.length > 0) clients.set(client, left);
        else clients.delete(client);
      }
    }
  }

  /** Returns how many items would be served before one that was pushed now. */
  ahead({ priority, client }: Flow): number {
    let before = 0;
    for (const [each, { size, clients }] of this.#classes) {
      if (each === priority) return before + turnsBefore(clients, client);
      before += size;
    }
    return before;
  }

  #class(priority: Priority) {
    const found = this.#classes.get(priority);
    if (!found) throw new TypeError(`Unknown priority ${priority}`);
    return found;
  }

  #count(priority: Priority, by: number): void {
    this.#class(priority).size += by;
    this.#size += by;
  }
}

/**
 * Returns the number of turns before that of a new item of `client`: one for each of its queued items. Meanwhile each
 * other client has at most as many, and one more if it is ahead in the round.
 */
function turnsBefore(clients: ReadonlyMap<string, unknown[]>, client: string): number {
  const own = clients.get(client)?.length ?? 0;
  let turns = own;
  let isAhead = true;
  for (const [each, { length }] of clients) {
    if (each === client) isAhead = false;
    else turns += Math.min(length, isAhead ? own + 1 : own);
  }
  return turns;
}
