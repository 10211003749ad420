import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { setReceivedAt } from '../core/received-at.ts';
import { callerTimeout } from '../telemetry/trace-context.ts';
import { CpuShare } from './cpu-share.ts';
import { FairQueue, type Flow } from './fair-queue.ts';
import { maxQueueTime, slowMaxQueueTime } from './queue-time.ts';
import type { Reason, Reject } from './rejection.ts';
import { RejectionQueue } from './rejection-queue.ts';
import { ServiceTime } from './service-time.ts';

/** Minimum number of requests ahead for a rejection by expected wait: a few waiting requests are not overload. */
const shortQueue = 8;
/** Requests ahead at which a request is rejected, whatever its expected wait. */
const maxAhead = 1_000;
/** Maximum queue length of one client, with all priorities. */
const maxOfClient = 1_000;
/** Maximum queue length of one priority: no single client can fill it. */
const maxOfPriority = 1_250;
/** Maximum queue length, which bounds memory: no single priority can fill it. */
const hardMaxQueue = 1_500;
/** Maximum queue time of any request in milliseconds; `slowMaxQueueTime` replaces it in a slow process. */
const hardMaxQueueTime = 1_000;
/** Number of requests after which the code of a process is warm. */
const coldRequests = 500;
/** Maximum number of event-loop iterations in a row that start no request because connections are arriving. */
const maxConnectionIterations = 10;
/** Milliseconds between two sweeps, which remove late and abandoned requests from the queue. */
const sweepInterval = 50;

type Start = (request: IncomingMessage, response: ServerResponse) => void;

type Queued = {
  request: IncomingMessage;
  response: ServerResponse;
  start: Start;
  receivedAt: number;
  /** Milliseconds that the client waits for a response; infinity if it does not say. */
  clientTimeout: number;
};

/** Returns the number of the current event-loop iteration. */
const currentIteration = () => performance.nodeTiming.uvMetricsInfo.loopCount;

export type AdmissionOptions = {
  reject: Reject;
  /** Returns a request's priority and its client's name. Called only if the request cannot start immediately. */
  flowOf: (request: IncomingMessage) => Flow;
  /** Number of requests for which a new process is slow. Meanwhile requests may wait longer. */
  coldFor?: number;
  cpuShare?: CpuShare;
};

/**
 * Admits requests one by one. Node accepts a request before it can be rejected, so new ones may have to queue. Each
 * event-loop iteration starts about one millisecond of work, and Node reads new requests between two iterations. A
 * request is rejected on arrival, with a prebuilt response, if its expected wait (requests ahead × service time) is too
 * long. Later it is rejected if it waits too long or its deadline passes, and dropped if its client disconnects.
 *
 * While nothing waits, admission costs a few comparisons. All times are on the monotonic clock.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #queue = new FairQueue<Queued>();
  readonly #serviceTime = new ServiceTime();
  readonly #cpuShare: CpuShare;
  readonly #rejections: RejectionQueue;
  /** Number of requests that may still start in this iteration. It is refilled at most once in an iteration. */
  #startsLeft = 0;
  #refilledIn = 0;
  #iterationIsDue = false;
  #sweptAt = 0;
  #connectionArrived = false;
  #connectionIterations = 0;
  #coldFor: number;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#rejections = new RejectionQueue(options.reject);
    this.#coldFor = options.coldFor ?? coldRequests;
    this.#cpuShare = options.cpuShare ?? new CpuShare();
  }

  /** The queue's length, and the time that its requests will take; milliseconds. */
  get load(): { waiting: number; waitMs: number } {
    return {
      waiting: this.#queue.size,
      waitMs: Math.round(this.#queue.size * this.#serviceTime.expected),
    };
  }

  /**
   * Records a new connection. Node accepts one connection in an iteration: if every iteration were filled with work, the
   * other connections would wait in the kernel, where they cannot be rejected. So an iteration that brought a connection
   * starts no request, up to a maximum in a row.
   */
  connected(): void {
    this.#connectionArrived = true;
  }

  get #isSlow(): boolean {
    return this.#coldFor > 0 || this.#cpuShare.isStarved(performance.now());
  }

  get #hardMax(): number {
    return this.#isSlow ? slowMaxQueueTime : hardMaxQueueTime;
  }

  /** Calls `start` now or in a later event-loop iteration, or rejects the request. */
  admit(request: IncomingMessage, response: ServerResponse, start: Start): void {
    const clientTimeout = callerTimeout(request.headers);
    if (clientTimeout <= 0) {
      this.#rejectLater('deadline', request, response, performance.now());
    } else if (this.#queue.size === 0 && !this.#connectionArrived && this.#hasRoom()) {
      this.#startsLeft -= 1;
      this.#coldFor -= 1;
      start(request, response);
    } else {
      this.#enqueue({ request, response, start, receivedAt: performance.now(), clientTimeout });
    }
  }

  #hasRoom(): boolean {
    if (this.#startsLeft > 0) return true;
    const iteration = currentIteration();
    if (iteration === this.#refilledIn) return false;
    this.#refill(iteration);
    return true;
  }

  #refill(iteration: number): void {
    this.#startsLeft = this.#serviceTime.startsPerIteration;
    this.#refilledIn = iteration;
  }

  #enqueue(queued: Queued): void {
    const { request, response, receivedAt, clientTimeout } = queued;
    const flow = this.#options.flowOf(request);
    const ahead = this.#queue.ahead(flow);
    const maxWait = this.#isSlow ? slowMaxQueueTime : maxQueueTime[flow.priority];
    const isLate = ahead * this.#serviceTime.expected > Math.min(maxWait, clientTimeout);
    if (this.#isFull(flow) || ahead >= maxAhead || (isLate && ahead >= shortQueue)) {
      this.#rejectLater('queue_full', request, response, receivedAt);
    } else {
      this.#queue.push(flow, queued);
      this.#scheduleIteration();
    }
  }

  #rejectLater(...rejection: Parameters<Reject>): void {
    this.#rejections.push(...rejection);
    this.#scheduleIteration();
  }

  #isFull({ priority, client }: Flow): boolean {
    if (this.#queue.size >= hardMaxQueue || this.#queue.sizeOf(priority) >= maxOfPriority) return true;
    // Counts a client's requests only in a queue that is this long.
    return this.#queue.size >= maxOfClient && this.#queue.sizeOfClient(client) >= maxOfClient;
  }

  #scheduleIteration(): void {
    if (this.#iterationIsDue) return;
    this.#iterationIsDue = true;
    this.#cpuShare.busy(performance.now());
    setImmediate(this.#iteration);
  }

  /** Runs once in an event-loop iteration. After it, Node reads new requests, results of stores and closed sockets. */
  readonly #iteration = (): void => {
    this.#iterationIsDue = false;
    if (this.#rejections.size > 0) this.#sendRejections();
    if (this.#queue.size === 0) {
      this.#serviceTime.idle(performance.now());
      this.#cpuShare.idle();
      // New requests are read in the next iteration.
      this.#refill(currentIteration() + 1);
      return;
    }
    this.#scheduleIteration();
    if (this.#connectionArrived && this.#connectionIterations < maxConnectionIterations) {
      this.#connectionArrived = false;
      this.#connectionIterations += 1;
      return;
    }
    this.#connectionIterations = 0;
    this.#refill(currentIteration() + 1);
    const now = performance.now();
    this.#cpuShare.busy(now);
    if (now - this.#sweptAt > sweepInterval) this.#sweep(now);
    this.#serviceTime.iteration(now, this.#startNext(now));
  };

  #sendRejections(): void {
    const beganAt = performance.now();
    this.#rejections.nextIteration(this.#serviceTime.workPerIteration);
    this.#serviceTime.rejected(performance.now() - beganAt);
    if (this.#rejections.size > 0) this.#scheduleIteration();
  }

  #startNext(now: number): number {
    let started = 0;
    while (this.#startsLeft > 0) {
      const next = this.#queue.shift();
      if (!next) break;
      if (this.#isDropped(next, now)) continue;
      this.#startsLeft -= 1;
      this.#coldFor -= 1;
      started += 1;
      setReceivedAt(next.request, next.receivedAt);
      next.start(next.request, next.response);
    }
    return started;
  }

  #sweep(now: number): void {
    this.#sweptAt = now;
    this.#queue.remove((queued) => this.#isDropped(queued, now));
  }

  /** Returns whether a request need not be served any more, and rejects it if its client is still connected. */
  #isDropped({ request, response, receivedAt, clientTimeout }: Queued, now: number): boolean {
    if (request.socket.destroyed) return true;
    const queueTime = now - receivedAt;
    const reason: Reason | undefined =
      queueTime >= clientTimeout ? 'deadline' : queueTime > this.#hardMax ? 'too_late' : undefined;
    if (reason) this.#options.reject(reason, request, response, receivedAt);
    return reason !== undefined;
  }
}

/**
 * Puts admission between a server and its request handler, before any work is done for a request.
 *
 * @param isOff returns whether new requests start immediately for now; those that are queued are still admitted in turn
 */
export function admitRequests(server: Server, admission: Admission, isOff = () => false): void {
  const [handle] = server.listeners('request') as Start[];
  if (!handle) throw new TypeError('The server has no request handler');
  server.removeAllListeners('request');
  server.on('connection', () => admission.connected());
  const admit = (request: IncomingMessage, response: ServerResponse, start: Start) => {
    if (isOff()) start(request, response);
    else admission.admit(request, response, start);
  };
  server.on('request', (request, response) => {
    admit(request, response, handle);
  });
  // With `Expect: 100-continue`, the client sends the body only after its request was admitted.
  server.on('checkContinue', (request, response) => {
    admit(request, response, () => {
      response.writeContinue();
      handle(request, response);
    });
  });
}
