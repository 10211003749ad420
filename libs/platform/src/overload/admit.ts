import type { IncomingMessage } from 'node:http';
import type { Operation, Priority } from '@slipway/contract-kit/operation';
import { problem } from '@slipway/contract-kit/problem';
import type { FastifyInstance, FastifyReply } from 'fastify';
import findMyWay, { type HTTPMethod } from 'find-my-way';
import type { ClientOf } from '../http/client-identity.ts';
import { fromZero, gauge } from '../telemetry/declare.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { Admission, admitRequests } from './admission.ts';
import { fewest, LatencyLimit } from './latency-limit.ts';
import { patience, priorityOf } from './patience.ts';
import { createRefusal, reasons, retryAfter } from './refusal.ts';

export type AdmissionControl = {
  /** Divides the service between clients; without it, all clients are one. */
  shareBy(clientOf: ClientOf): void;
  /** The present state, for `/status`. */
  load(): object;
};

type Config = Partial<Operation['config']>;

/**
 * Switches admission on, for every route: a queue for the time of the event loop (`admission.ts`), and for each
 * route a limit on what runs at once (`latency-limit.ts`), for those that wait for a store or another service.
 */
export function registerAdmission(app: FastifyInstance, metrics: Metrics): AdmissionControl {
  let callerOf: ClientOf = () => '';
  const admission = new Admission({
    refuse: createRefusal(metrics),
    priorityOf: readPriorities(app),
    callerOf: (request) => callerOf(request),
  });
  admitRequests(app.server, admission);
  fromZero(metrics.refused, [...reasons, 'in_flight']);
  const waiting = { name: 'admission_waiting', help: 'Requests that wait for their turn of the event loop' };
  gauge(metrics, waiting, () => admission.load.waiting);
  limitRoutes(app, metrics, (request) => callerOf(request));
  return {
    shareBy(given) {
      callerOf = given;
    },
    load: () => admission.load,
  };
}

/**
 * Finds a request's priority before Fastify routes it. The index of routes that this needs is a router of the same kind:
 * Fastify's own finds the route of a path, too (`app.findRoute`), but does not return the route's config.
 */
function readPriorities(app: FastifyInstance): (request: IncomingMessage) => Priority {
  const routes = findMyWay();
  app.addHook('onRoute', ({ method, url, config }) => {
    for (const each of [method].flat() as HTTPMethod[]) {
      if (!routes.hasRoute(each, url)) routes.on(each, url, () => undefined, priorityOf(config as Config));
    }
  });
  return ({ method, url = '/' }) => {
    const path = url.split('?', 1)[0] ?? '/';
    return (routes.find(method as HTTPMethod, path)?.store as Priority | undefined) ?? 'interactive';
  };
}

/** Of requests that come while few are served, one in so many is measured: enough to know how fast a route can be. */
const sampled = 16;

function limitRoutes(app: FastifyInstance, { refused, inFlight }: Metrics, callerOf: ClientOf): void {
  const limits = new WeakMap<object, LatencyLimit>();
  const refusals = refused.labels('in_flight');
  const places = new WeakMap<IncomingMessage, Place>();
  let passed = 0;
  let held = 0;

  app.addHook('onRoute', (route) => {
    const { handler } = route;
    route.handler = function (request, reply) {
      const work: unknown = handler.call(this, request, reply);
      if (held > 0 && work instanceof Promise) places.get(request.raw)?.until(work);
      return work;
    };
  });

  app.addHook('onRequest', (request, reply, done) => {
    const areFew = inFlight.size + held <= fewest;
    passed += 1;
    if (areFew && passed % sampled !== 0) return done();
    const config = request.routeOptions.config as Config;
    const limit = limitOf(config);
    if (!areFew) {
      const place = takePlace(limit, callerOf(request.raw));
      if (!place) return done(problem('overloaded', undefined, { retryAfter }));
      places.set(request.raw, place);
      reply.raw.on('close', place.end);
    }
    measureAtEnd(limit, reply, config);
    done();
  });

  function limitOf(config: Config): LatencyLimit {
    const limit = limits.get(config) ?? new LatencyLimit(patience[priorityOf(config)]);
    limits.set(config, limit);
    return limit;
  }

  function takePlace(limit: LatencyLimit, caller: string): Place | undefined {
    if (!limit.enter(caller)) {
      refusals.inc();
      return undefined;
    }
    held += 1;
    return holdPlace(() => {
      held -= 1;
      limit.leave(caller);
    });
  }
}

/** Milliseconds for which work may hold the place of a caller who has gone: it might never end. */
const longestHold = 10_000;

type Place = ReturnType<typeof holdPlace>;

/** A place is free when its request has ended and its work too: a store goes on working for callers who have gone. */
function holdPlace(leave: () => void) {
  let holds = 1;
  const letGo = () => {
    holds -= 1;
    if (holds === 0) leave();
  };
  return {
    end: letGo,
    until(work: Promise<unknown>): void {
      // Fastify calls the handler also for a caller who left while a hook ran: the place has been given back.
      if (holds === 0) return;
      holds += 1;
      const timer = setTimeout(finish, longestHold).unref();
      let isOver = false;
      function finish() {
        if (isOver) return;
        isOver = true;
        clearTimeout(timer);
        letGo();
      }
      work.then(finish, finish);
    },
  };
}

function measureAtEnd(limit: LatencyLimit, { raw }: FastifyReply, { timeoutMs }: Config): void {
  // A route with a time limit of its own takes as long as what it is asked for.
  if (timeoutMs !== undefined) return;
  const startedAt = performance.now();
  raw.on('close', () => {
    if (!tells(raw.statusCode)) return;
    const now = performance.now();
    limit.sample(now - startedAt, now);
  });
}

/** Whether the time that an answer took tells of the store: a refusal is quick, whatever the store does. */
function tells(status: number): boolean {
  return status < 400 || status === 504;
}
