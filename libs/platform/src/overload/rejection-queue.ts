import type { IncomingMessage, ServerResponse } from 'node:http';

/** Number of rejections that an event-loop iteration sends, if so many wait. They take 0.3 ms; it starts 1 ms of work. */
const perIteration = 12;
/** Number of iterations in which all rejections that wait are sent, however many they are. */
const iterationsForAll = 128;

type Send = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Bounds what an event-loop iteration spends on rejections, and sends those of one iteration together. Node reads all
 * requests that have arrived before it goes on with those that were admitted, and clients that send again as soon as they
 * are rejected could keep it reading forever: here they wait for their rejection. The first response of several wakes a
 * client that waits, which costs more than the response itself; the next ones find it awake.
 */
export class RejectionQueue {
  readonly #waiting: [IncomingMessage, ServerResponse][] = [];
  readonly #send: Send;

  constructor(send: Send) {
    this.#send = send;
  }

  get size(): number {
    return this.#waiting.length;
  }

  push(request: IncomingMessage, response: ServerResponse): void {
    // Node holds a response back, without a socket, until earlier ones of its connection have ended. So one rejection of
    // a connection waits here, although its client may have sent thousands of requests at once.
    if (response.socket) this.#waiting.push([request, response]);
    else this.#send(request, response);
  }

  /** Sends some rejections, first those that have waited longest. */
  nextIteration(): void {
    const count = Math.max(perIteration, Math.ceil(this.size / iterationsForAll));
    for (const [request, response] of this.#waiting.splice(0, count)) this.#send(request, response);
  }
}
