import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { announcesBody } from '../core/request-body.ts';

/**
 * Number of rejections in one event-loop iteration after which connections are left unread. These rejections take
 * 0.2 ms; the iteration starts 1 ms of work.
 */
const perIteration = 4;

/**
 * Bounds what an event-loop iteration spends on rejections. Node reads all that has arrived before it goes on with the
 * requests that were admitted, and clients that send again as soon as they are rejected can keep it reading forever. So
 * after some rejections, the connections of further ones are not read for a while, and go on in turn.
 */
export class RejectedConnections {
  readonly #unread: Socket[] = [];
  #rejections = 0;

  /** Whether connections are waiting to be read again. */
  get areWaiting(): boolean {
    return this.#unread.length > 0;
  }

  /** Records that a request was rejected. Its response is sent in any case. */
  add(request: IncomingMessage): void {
    const { socket } = request;
    this.#rejections += 1;
    // A body is read to its end, because its client may read the response only after it has sent everything.
    if (this.#rejections <= perIteration || announcesBody(request)) return;
    this.#unread.push(socket);
    // Later, because Node reads on when it has come to the end of this request.
    queueMicrotask(() => socket.pause());
  }

  /** Reads some of the connections again, first those that have waited longest. */
  nextIteration(): void {
    this.#rejections = 0;
    for (const socket of this.#unread.splice(0, perIteration)) socket.resume();
  }
}
