import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Metrics } from './metrics.ts';
import { type RequestContext, withContext } from './request-context.ts';
import type { Tracing } from './tracing.ts';

type Parts = { metrics: Metrics; tracing: Tracing; requestTimeout: number };

/**
 * Measures each request once, and makes its log line, its metric and its span from that one measurement.
 * The context is entered after the body was read: reading it would lose an asynchronous context.
 */
export function registerObservation(app: FastifyInstance, { metrics, tracing, requestTimeout }: Parts): void {
  app.decorateRequest('context', null);
  app.addHook('onRequest', (request, reply, done) => {
    const context = tracing.accept(request.headers, request.id, requestTimeout);
    request.setDecorator('context', context);
    reply.raw.setHeader('x-correlation-id', context.correlationId);
    metrics.inFlight.inc();
    reply.raw.once('close', () => finish(request, reply, context));
    done();
  });
  app.addHook('preValidation', (request, _reply, done) => withContext(contextOf(request), done));

  function finish(request: FastifyRequest, reply: FastifyReply, context: RequestContext) {
    const { method, routeOptions } = request;
    const route = routeOptions.url ?? 'unmatched';
    const status = reply.raw.writableFinished ? reply.statusCode : 499;
    const ms = reply.elapsedTime;
    metrics.inFlight.dec();
    metrics.requests.labels(method, route, String(status)).observe(ms / 1000);
    tracing.finish(context, { name: `${method} ${route}`, method, route, status });
    request.log.info(
      {
        method,
        route,
        status,
        ms: Math.round(ms * 10) / 10,
        correlationId: context.correlationId,
        traceId: context.traceId,
      },
      'request',
    );
  }
}

/** The context of a request, for code that runs before its handler. */
export function contextOf(request: FastifyRequest): RequestContext {
  return request.getDecorator<RequestContext>('context');
}
