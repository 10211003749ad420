import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RequestContext } from './request-context.ts';

/** A request in flight. */
export type Served = {
  request: FastifyRequest;
  reply: FastifyReply;
  context: RequestContext;
  /** When it reaches its time limit, on the clock of `performance.now()`. */
  endsAt: number;
  /** Where `RequestsInFlight` holds it. */
  index?: number;
};

/**
 * The requests in flight. It is no `Set`, because V8 keeps what was deleted from a `Set` until the next major garbage
 * collection, once the `Set` is old. That would be most requests, and the minor collections would cost five times as much.
 */
export class RequestsInFlight implements Iterable<Served> {
  readonly #all: Served[] = [];

  get size(): number {
    return this.#all.length;
  }

  add(served: Served): void {
    served.index = this.#all.push(served) - 1;
  }

  /** Removes a request, and returns whether it was still there. The last one takes its place. */
  delete(served: Served): boolean {
    const { index = -1 } = served;
    if (this.#all[index] !== served) return false;
    const last = this.#all.pop();
    if (last && last !== served) {
      this.#all[index] = last;
      last.index = index;
    }
    return true;
  }

  [Symbol.iterator](): Iterator<Served> {
    return this.#all[Symbol.iterator]();
  }
}
