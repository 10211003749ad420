import type { IncomingMessage } from 'node:http';
import { type Operation, priorityOf } from '@slipway/contract-kit/operation';
import { problem } from '@slipway/contract-kit/problem';
import type { FastifyInstance, FastifyReply } from 'fastify';
import findMyWay, { type HTTPMethod } from 'find-my-way';
import { createHold } from '../core/hold.ts';
import { hasBody } from '../core/request-body.ts';
import { currentContext } from '../core/request-context.ts';
import { bearerTokenOf } from '../http/bearer.ts';
import { type ClientOf, isPerson } from '../http/client-identity.ts';
import { fromZero, gauge } from '../telemetry/declare.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { Admission, admitRequests } from './admission.ts';
import { LatencyLimit, minLimit } from './latency-limit.ts';
import { earnedPriority, maxQueueTime, slowMaxQueueTime } from './queue-time.ts';
import { createRejection, reasons, retryAfter } from './rejection.ts';

export type AdmissionControl = {
  /** Divides the service between clients; without it, all clients are one. */
  shareBy(clientOf: ClientOf): void;
  /** Returns the current state of the queue, for `/status`. */
  load(): object;
};

type Config = Partial<Operation['config']> & {
  /** Whether another service handles the requests of the route. */
  isForwarded?: boolean;
};

/**
 * Registers admission for every route: one queue in front of the event loop (`admission.ts`), and a concurrency limit for
 * each route (`latency-limit.ts`), so that a slow store or service gets less work.
 *
 * @param isOff returns whether new requests pass both for now
 */
export function registerAdmission(
  app: FastifyInstance,
  metrics: Metrics,
  isOff: () => boolean = () => false,
): AdmissionControl {
  let clientOf: ClientOf | undefined;
  const nameOf: ClientOf = (request) => clientOf?.(request) ?? '';
  const routeOf = indexRoutes(app);
  const admission = new Admission({
    reject: createRejection(metrics, (request) => priorityOf(routeOf(request))),
    flowOf(request) {
      const config = routeOf(request);
      const [priority, client] = [priorityOf(config), nameOf(request)];
      const isOpen = clientOf === undefined || config === undefined || !needsPerson(config);
      return {
        client,
        priority: isOpen ? priority : earnedPriority(priority, credentialsOf(request, client)),
      };
    },
  });
  admitRequests(app.server, admission, isOff);
  fromZero(metrics.rejected, [...reasons, 'in_flight']);
  const waiting = { name: 'admission_waiting', help: 'Requests in the admission queue' };
  gauge(metrics, waiting, () => admission.load.waiting);
  limitRoutes(app, metrics, { clientOf: nameOf, isOff });
  return {
    shareBy(given) {
      clientOf = given;
    },
    load: () => admission.load,
  };
}

/**
 * Finds the config of a request's route before Fastify routes it. The index of routes that this needs is a router of the
 * same kind: Fastify's own finds the route of a path, too (`app.findRoute`), but does not return the route's config.
 */
function indexRoutes(app: FastifyInstance): (request: IncomingMessage) => Config | undefined {
  const routes = findMyWay();
  app.addHook('onRoute', ({ method, url, config = {} }) => {
    for (const each of [method].flat() as HTTPMethod[]) {
      if (!routes.hasRoute(each, url)) routes.on(each, url, () => undefined, config);
    }
  });
  return ({ method, url = '/' }) => {
    const path = url.split('?', 1)[0] ?? '/';
    return routes.find(method as HTTPMethod, path)?.store as Config | undefined;
  };
}

const needsPerson = ({ access }: Config) => access === 'member' || access === 'admin';

const credentialsOf = ({ headers }: IncomingMessage, client: string) => ({
  isKnown: isPerson(client),
  hasToken: bearerTokenOf(headers) !== undefined,
});

/** A forwarded route has the maximum of a slow process: its service may be slow, and has its own limit. */
const maxQueueTimeOf = (config: Config) =>
  config.isForwarded ? slowMaxQueueTime : maxQueueTime[priorityOf(config)];

/** While few requests are in flight and the latency of a route is known, one in so many of its requests is measured. */
const sampleEvery = 16;

function limitRoutes(
  app: FastifyInstance,
  { rejected, inFlight }: Metrics,
  { clientOf, isOff }: { clientOf: ClientOf; isOff: () => boolean },
): void {
  const limits = new WeakMap<object, LatencyLimit>();
  const rejections = rejected.labels('in_flight');
  const permits = new WeakMap<IncomingMessage, Permit>();
  let received = 0;
  let held = 0;

  app.addHook('onRoute', (route) => {
    const { handler } = route;
    const priority = priorityOf(route.config as Config | undefined);
    route.handler = function (request, reply) {
      const context = currentContext();
      if (context) context.share = { priority, client: () => clientOf(request.raw) };
      const work: unknown = handler.call(this, request, reply);
      if (held > 0 && work instanceof Promise) permits.get(request.raw)?.holdUntil(work);
      return work;
    };
  });

  app.addHook('onRequest', (request, reply, done) => {
    if (isOff()) return done();
    const config = request.routeOptions.config as Config;
    if (config.isStream) return done();
    const limit = limitOf(config);
    const areFew = inFlight.size + held <= minLimit;
    received += 1;
    if (!areFew) {
      const permit = acquire(limit, clientOf(request.raw));
      if (!permit) return done(problem('overloaded', undefined, { retryAfter }));
      permits.set(request.raw, permit);
      reply.raw.on('close', permit.release);
    } else if (limit.best < Number.POSITIVE_INFINITY && received % sampleEvery !== 0) {
      return done();
    }
    measureAtEnd(limit, request.raw, reply, config);
    done();
  });

  function limitOf(config: Config): LatencyLimit {
    const known = limits.get(config);
    if (known) return known;
    const limit = new LatencyLimit(maxQueueTimeOf(config));
    limits.set(config, limit);
    return limit;
  }

  function acquire(limit: LatencyLimit, client: string): Permit | undefined {
    if (!limit.acquire(client)) {
      rejections.inc();
      return undefined;
    }
    held += 1;
    return createPermit(() => {
      held -= 1;
      limit.release(client);
    });
  }
}

/** Milliseconds after its start at which work stops holding a permit, because it might never end. */
const maxHold = 10_000;

type Permit = ReturnType<typeof createPermit>;

/**
 * Makes a permit that is free when its request has ended and its work has ended, too: a store continues to work for
 * clients that have disconnected.
 *
 * @param free called once, when the permit is free
 */
function createPermit(free: () => void) {
  const permit = createHold(free);
  return {
    release: permit.release,
    holdUntil(work: Promise<unknown>): void {
      // Fastify calls the handler even if the client disconnected while a hook ran: the permit is free then.
      if (permit.isFree) return;
      const release = permit.hold();
      const timer = setTimeout(finish, maxHold).unref();
      let isOver = false;
      function finish() {
        if (isOver) return;
        isOver = true;
        clearTimeout(timer);
        release();
      }
      work.then(finish, finish);
    },
  };
}

function measureAtEnd(
  limit: LatencyLimit,
  request: IncomingMessage,
  { raw }: FastifyReply,
  { timeoutMs }: Config,
): void {
  // The latency of a route with a time limit of its own depends on the request, not on the load.
  if (timeoutMs !== undefined) return;
  let startedAt = performance.now();
  // How long a client takes to send its body says nothing about the store.
  if (hasBody(request)) {
    request.once('end', () => {
      startedAt = performance.now();
    });
  }
  raw.on('close', () => {
    if (!showsLatency(raw.statusCode)) return;
    const now = performance.now();
    const latency = now - startedAt;
    // A client that has gone shows only that the response would have taken longer.
    if (raw.writableEnded || latency > limit.best) limit.sample(latency, now);
  });
}

/** Returns whether a response shows the latency of the store: an error is returned quickly, however slow the store is. */
function showsLatency(status: number): boolean {
  return status < 400 || status === 504;
}
