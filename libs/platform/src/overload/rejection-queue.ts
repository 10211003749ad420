import { announcesBody } from '../core/request-body.ts';
import type { Reject } from './rejection.ts';

/** Number of rejections for each millisecond of requests that an iteration starts: half as much work. */
const perMillisecond = 8;
/** Maximum number of rejections in an iteration. Without it, a wrong estimate of the work would make it longer and longer. */
const maxPerIteration = 16;

type Rejection = Parameters<Reject>;

/**
 * Sends the rejections of an event-loop iteration together, and bounds how many by the work that is done beside them. The
 * first of several responses wakes a client that waits, which costs more than the response itself; the next ones find it
 * awake. And Node reads all requests that have arrived before it goes on with those that were admitted: clients that send
 * again as soon as they are rejected would keep it reading forever, if they did not have to wait for their rejection.
 *
 * Holds at most one request of a connection, because a service handles the requests of a connection one after the other.
 */
export class RejectionQueue {
  readonly #waiting: Rejection[] = [];
  readonly #reject: Reject;

  constructor(reject: Reject) {
    this.#reject = reject;
  }

  get size(): number {
    return this.#waiting.length;
  }

  push(...rejection: Rejection): void {
    this.#waiting.push(rejection);
    const [, request] = rejection;
    // Discards the body, which would wait in memory.
    if (announcesBody(request)) request.resume();
  }

  /**
   * Sends some rejections, first those that have waited longest. Those whose clients have disconnected are dropped.
   *
   * @param work how long the requests take that an iteration starts; milliseconds
   */
  nextIteration(work: number): void {
    const allowed = Math.round(perMillisecond * Math.max(1, work));
    for (let left = Math.min(maxPerIteration, allowed); left > 0; ) {
      const rejection = this.#waiting.shift();
      if (!rejection) return;
      const [, request] = rejection;
      if (request.socket.destroyed) continue;
      this.#reject(...rejection);
      left -= 1;
    }
  }
}
