import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Priority } from '@slipway/contract-kit/operation';
import { noteArrival } from '../core/arrival.ts';
import { callerTimeout } from '../telemetry/trace-context.ts';
import { FairQueue } from './fair-queue.ts';
import { Pace } from './pace.ts';
import { patience } from './patience.ts';
import type { Reason, Refuse } from './refusal.ts';

/** As many may wait however slow they are: a handful is no overload. */
const handful = 8;
/** Nobody waits behind more. */
const most = 1_000;
/** More never wait: what bounds the memory. Only callers who have few of the places get those above `most`. */
const mostOfAll = 1_250;
/** Nobody waits longer; milliseconds. Others that go first may come without end. */
const longestWait = 1_000;
/** Requests after which the code of a process is warm. */
const coldRequests = 500;
/** Turns that may pass for new connections alone before the next request is started. */
const mostArrivals = 10;
/** Milliseconds between two looks at all that wait, for those that wait in vain. */
const lookEvery = 50;

type Start = (request: IncomingMessage, response: ServerResponse) => void;

type Waiting = {
  request: IncomingMessage;
  response: ServerResponse;
  start: Start;
  since: number;
  /** Milliseconds that the caller waits for its answer. */
  callerWaits: number;
};

/** The number of the event loop's turn. */
const turnOfLoop = () => performance.nodeTiming.uvMetricsInfo.loopCount;

export type AdmissionOptions = {
  refuse: Refuse;
  /** Asked only while others wait. */
  priorityOf: (request: IncomingMessage) => Priority;
  /** Names who sends a request, for a fair share. Asked only while others wait. */
  callerOf: (request: IncomingMessage) => string;
  /** Requests for which a process that has begun is slower than it will be: those wait longer, rather than be refused. */
  coldFor?: number;
};

/**
 * Lets requests in one by one. Node accepts every request before any can be refused, so what comes is put in a
 * short queue, one turn of the event loop starts about one millisecond of work, and new ones are read between two
 * turns. Who would have to wait too long (requests ahead × time from start to start) is refused at once, at the
 * price of a prepared answer; whose caller has gone, or whose deadline has passed, is not served at all.
 *
 * While there is room a request passes at the cost of a comparison. All times are on the monotonic clock.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #queue = new FairQueue<Waiting>();
  readonly #pace = new Pace();
  /** How many more requests may start at once. It is given anew when it is used up, once a turn at most. */
  #left = 1;
  #givenFor = 0;
  #turnIsDue = false;
  #lookedAt = 0;
  #connectionCame = false;
  #arrivals = 0;
  #coldFor: number;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#coldFor = options.coldFor ?? coldRequests;
  }

  /** What waits now, and how long the queue is; milliseconds. */
  get load(): { waiting: number; waitMs: number } {
    return { waiting: this.#queue.size, waitMs: Math.round(this.#queue.size * this.#pace.interval) };
  }

  /**
   * Notes a new connection. Node takes one a turn: were each turn filled with work, the others would wait in the
   * kernel, where nobody can refuse them. So turns that bring connections go by without work, but not for ever.
   */
  connected(): void {
    this.#connectionCame = true;
  }

  /** Calls `start` now or in a later turn of the loop, or answers the request with a refusal. */
  admit(request: IncomingMessage, response: ServerResponse, start: Start): void {
    const callerWaits = callerTimeout(request.headers);
    if (callerWaits <= 0) {
      this.#options.refuse('deadline', request, response);
    } else if (this.#queue.size === 0 && !this.#connectionCame && this.#hasRoom()) {
      this.#left -= 1;
      this.#coldFor -= 1;
      start(request, response);
    } else {
      this.#enqueue({ request, response, start, since: performance.now(), callerWaits });
    }
  }

  #hasRoom(): boolean {
    if (this.#left > 0) return true;
    const turn = turnOfLoop();
    if (turn === this.#givenFor) return false;
    this.#give(turn);
    return true;
  }

  #give(turn: number): void {
    this.#left = this.#pace.startsPerTurn;
    this.#givenFor = turn;
  }

  #enqueue(waiting: Waiting): void {
    const { request, response, callerWaits } = waiting;
    const place = { priority: this.#options.priorityOf(request), caller: this.#options.callerOf(request) };
    const ahead = this.#queue.ahead(place);
    const mayWait = this.#coldFor > 0 ? longestWait : patience[place.priority];
    const isLate = ahead * this.#pace.interval > Math.min(mayWait, callerWaits);
    if (this.#queue.size >= mostOfAll || ahead >= most || (isLate && ahead >= handful)) {
      this.#options.refuse('queue_full', request, response);
    } else {
      this.#queue.push(place, waiting);
      this.#takeTurn();
    }
  }

  #takeTurn(): void {
    if (this.#turnIsDue) return;
    this.#turnIsDue = true;
    setImmediate(this.#turn);
  }

  /** One turn of the loop: after this, Node looks for new requests, answers of stores and gone callers. */
  readonly #turn = (): void => {
    this.#turnIsDue = false;
    if (this.#queue.size === 0) {
      this.#pace.rest(performance.now());
      // What comes next is read in the next turn.
      this.#give(turnOfLoop() + 1);
      return;
    }
    this.#takeTurn();
    if (this.#connectionCame && this.#arrivals < mostArrivals) {
      this.#connectionCame = false;
      this.#arrivals += 1;
      return;
    }
    this.#arrivals = 0;
    this.#give(turnOfLoop() + 1);
    const now = performance.now();
    if (now - this.#lookedAt > lookEvery) this.#dismiss(now);
    this.#pace.turn(now, this.#startNext(now));
  };

  #startNext(now: number): number {
    let started = 0;
    while (this.#left > 0) {
      const next = this.#queue.shift();
      if (!next) break;
      if (this.#isDismissed(next, now)) continue;
      this.#left -= 1;
      this.#coldFor -= 1;
      started += 1;
      noteArrival(next.request, next.since);
      next.start(next.request, next.response);
    }
    return started;
  }

  #dismiss(now: number): void {
    this.#lookedAt = now;
    this.#queue.remove((waiting) => this.#isDismissed(waiting, now));
  }

  /** Whether it need not be served any more; then it is answered. */
  #isDismissed({ request, response, since, callerWaits }: Waiting, now: number): boolean {
    if (request.socket.destroyed) return true;
    const waited = now - since;
    const reason: Reason | undefined =
      waited >= callerWaits ? 'deadline' : waited > longestWait ? 'too_late' : undefined;
    if (reason) this.#options.refuse(reason, request, response);
    return reason !== undefined;
  }
}

/** Puts admission between a server and whoever handles its requests: before anything is made of a request. */
export function admitRequests(server: Server, admission: Admission): void {
  const [handle] = server.listeners('request') as Start[];
  if (!handle) throw new TypeError('The server has nobody to handle its requests');
  server.removeAllListeners('request');
  server.on('connection', () => admission.connected());
  server.on('request', (request, response) => {
    admission.admit(request, response, handle);
  });
  // The body of a request with `Expect: 100-continue` is asked for when its request is let in.
  server.on('checkContinue', (request, response) => {
    admission.admit(request, response, () => {
      response.writeContinue();
      handle(request, response);
    });
  });
}
