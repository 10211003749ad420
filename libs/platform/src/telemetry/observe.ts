import type { IncomingMessage } from 'node:http';
import { type Operation, type Priority, priorityOf } from '@slipway/contract-kit/operation';
import type { Problem } from '@slipway/contract-kit/problem';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { receivedAt } from '../core/received-at.ts';
import { hasBody } from '../core/request-body.ts';
import { currentContext, type RequestContext, withContext } from '../core/request-context.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';
import { sourceFile } from './source-file.ts';
import { correlationHeader } from './trace-context.ts';
import type { RequestEnd, Tracing } from './tracing.ts';

type Config = Partial<Operation['config']>;

type Observed = FastifyRequest & { context?: RequestContext };

type Parts = {
  metrics: Pick<Metrics, 'inFlight' | 'requests' | 'totals'>;
  tracing: Tracing;
  log: Pick<Logger, 'info' | 'error'>;
  requestTimeout: number;
};

/** Measures each request once, and uses that measurement for its log line, its metric and its span. */
export function registerObservation(app: FastifyInstance, parts: Parts): void {
  const { metrics, tracing, log, requestTimeout } = parts;
  app.decorateRequest('context', null);
  expectRoutes(app, metrics.requests);
  nameFiles(app, tracing);

  app.addHook('onRequest', (request: Observed, reply, done) => {
    const { method, raw } = request;
    const startedAt = receivedAt(raw);
    const { url: route = 'unmatched', config } = request.routeOptions;
    const { timeoutMs: timeout = requestTimeout, isStream } = config as Config;
    const correlationId = request.id;
    const context = tracing.accept(raw.headers, { method, route, correlationId, timeout, startedAt });
    request.context = context;
    if (hasBody(raw)) noteCompletion(raw, context);
    // Not set on the raw response: Node would then copy all headers of the answer one by one.
    reply.header(correlationHeader, context.correlationId);
    const remove = metrics.inFlight.add({ request, reply, context, endsAt: startedAt + timeout });
    const end = (status: number) => {
      if (!remove()) return;
      const ms = performance.now() - startedAt;
      finish({ method, route, status, startedAt, ms }, context, priorityOf(config as Config));
    };
    if (isStream) context.endObservation = end;
    reply.raw.on('close', () => end(statusOf(reply, context)));
    withContext(context, done);
  });

  // Reading a body loses the asynchronous context, so it is restored here.
  app.addHook('preValidation', ({ context }: Observed, _reply, done) => {
    if (!context || currentContext() === context) done();
    else withContext(context, done);
  });

  function finish(end: RequestEnd, context: RequestContext, priority: Priority) {
    const { method, route, status, ms } = end;
    const { correlationId, span, problem } = context;
    const { traceId } = span.spanContext();
    const isTraced = tracing.finish(context, end);
    metrics.requests.ended(method, route, status, ms / 1_000, isTraced ? traceId : undefined);
    if (problem === 'overloaded') metrics.totals.priorities[priority].rejected += 1;
    else countServed(metrics.totals, priority, ms / 1_000, status >= 500);
    metrics.totals.lastRequestAt = Date.now();
    const line = { method, route, status, ms: Math.round(ms * 10) / 10, problem, correlationId, traceId };
    if (status >= 500) log.error(line, 'request');
    else log.info(line, 'request');
  }
}

/** Counts a request that was not rejected to protect the service; `metrics.rejected` counts the others. */
function countServed(totals: Metrics['totals'], priority: Priority, seconds: number, isFailure: boolean) {
  totals.requests.add(seconds, isFailure);
  totals.priorities[priority].served.add(seconds, isFailure);
}

/**
 * Exports each route in the metrics before its first request, with the success statuses of its schema. A route that
 * forwards the responses of another service has no response schema, and lists its statuses in `config.answers`.
 */
function expectRoutes(app: FastifyInstance, requests: Metrics['requests']): void {
  app.addHook('onRoute', ({ method, url, schema, config }) => {
    const { response = {} } = (schema ?? {}) as { response?: object };
    const { answers = response } = (config ?? {}) as { answers?: object };
    const successes = Object.keys(answers)
      .map(Number)
      .filter((status) => status < 400);
    for (const each of [method].flat()) {
      // Fastify adds a HEAD route for each GET route, and clients rarely use it.
      if (each !== 'HEAD') requests.expect(each, url, successes);
    }
  });
}

/** Stores the source file that defines each route, for its spans. */
function nameFiles(app: FastifyInstance, tracing: Tracing): void {
  const onRoute = ({ method, url }: { method: string | string[]; url: string }) => {
    const file = sourceFile(onRoute);
    for (const each of [method].flat()) tracing.defineRoute(each, url, file);
  };
  app.addHook('onRoute', onRoute);
}

function noteCompletion(raw: IncomingMessage, context: RequestContext): void {
  context.completeAt = Number.POSITIVE_INFINITY;
  raw.once('end', () => {
    context.completeAt = performance.now();
  });
}

/**
 * Returns the status of a response. If the connection closed before all was sent, that is the status of the problem that
 * broke it off, or 499, as in nginx, if that was the client.
 */
function statusOf({ raw }: FastifyReply, { brokenStatus = 499 }: RequestContext): number {
  return raw.writableEnded && !isCut(raw) ? raw.statusCode : brokenStatus;
}

/** Returns whether the connection was closed before all of a response was sent, for example because it is not read. */
function isCut({ writableFinished, socket }: FastifyReply['raw']): boolean {
  return !writableFinished && socket?.destroyed === true;
}

/** Returns the context of a request, for code that runs outside of its handler. */
export function contextOf({ context }: Observed): RequestContext | undefined {
  return context;
}

/** Stores the code of the problem that a request is answered with, for its log line and its span. */
export function noteProblem(request: FastifyRequest, code: string): void {
  const { context }: Observed = request;
  if (context) context.problem = code;
}

/**
 * Notes that the rest of a response whose head was sent will not come, and that the client is not responsible. Does nothing
 * if the client has disconnected, or does not read.
 */
export function noteBroken({ request, raw }: FastifyReply, { code, status }: Problem): void {
  const { context }: Observed = request;
  if (!context || raw.destroyed || raw.writableLength > 0) return;
  context.problem = code;
  context.brokenStatus = status;
}
