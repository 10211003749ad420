import { randomUUID } from 'node:crypto';
import type { IncomingMessage, OutgoingHttpHeader, OutgoingHttpHeaders, ServerOptions } from 'node:http';
import type { Socket } from 'node:net';
import { http } from '@slipway/contract-kit/node-http';
import { type PlatformProblem, problem, toDocument } from '@slipway/contract-kit/problem';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { defaultHeaders, sendProblem, toProblem } from '../http/problem-responses.ts';
import { registerBodies } from '../http/request-body.ts';
import { originForm } from '../http/request-target.ts';
import { createValidators } from '../http/validation.ts';
import { responseOn } from './connections.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { PlatformSettings } from './settings.ts';

/** Milliseconds within which a whole request must arrive: the longest time that a contract allows for a stream. */
const receiveTimeout = 600_000;

const correlationId = /^[\w.:-]{1,64}$/;

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[];

/** Makes the HTTP server of a service, with its limits, its input validation and its responses to malformed requests. */
export function createHttpServer(
  log: FastifyBaseLogger,
  lifecycle: Lifecycle,
  settings: PlatformSettings,
): FastifyInstance {
  const app: FastifyInstance = Fastify({
    // Not `loggerInstance`: Fastify would listen to each response for log lines that are disabled here.
    childLoggerFactory: () => log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: ({ headers }) => {
      const given = headers['x-correlation-id'];
      return typeof given === 'string' && correlationId.test(given) ? given : randomUUID();
    },
    bodyLimit: settings.BODY_LIMIT_BYTES,
    requestTimeout: receiveTimeout,
    keepAliveTimeout: settings.KEEP_ALIVE_TIMEOUT_MS,
    routerOptions: { maxParamLength: 512 },
    rewriteUrl: originForm,
    // A draining service serves every request; /status makes load balancers send new traffic to other replicas.
    return503OnClosing: false,
    http: httpOptions(lifecycle, settings.HEADERS_TIMEOUT_MS),
    clientErrorHandler: answerMalformedRequest,
    frameworkErrors: (error, request, reply) => sendProblem(toProblem(error), request, reply),
  });
  app.setValidatorCompiler(createValidators());
  registerBodies(app);
  applyRouteLimits(app);
  return app;
}

function httpOptions(lifecycle: Lifecycle, headersTimeout: number): ServerOptions {
  return {
    headersTimeout,
    connectionsCheckingInterval: Math.min(headersTimeout, 1_000),
    ServerResponse: reconnectingWhen(() => lifecycle.stopping),
  };
}

/**
 * Makes a class of responses with `Connection: close` while `isLeaving()`, so that keep-alive clients reconnect to
 * another replica. This is decided when the head is written, and so includes requests that were in flight when the drain
 * began.
 */
function reconnectingWhen(isLeaving: () => boolean) {
  return class<Request extends IncomingMessage = IncomingMessage> extends http.ServerResponse<Request> {
    override writeHead(status: number, reasonOrHeaders?: string | Headers, headers?: Headers): this {
      if (isLeaving()) this.shouldKeepAlive = false;
      return super.writeHead(status, reasonOrHeaders as string, headers);
    }
  };
}

/** Applies the body limit in a contract's `config`, which Fastify expects as a route option. */
function applyRouteLimits(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    const { bodyLimit } = (route.config ?? {}) as { bodyLimit?: number };
    if (bodyLimit) route.bodyLimit = bodyLimit;
  });
}

const malformedRequests: Record<string, PlatformProblem> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'payload_too_large',
};

/** Responds to a request that Node could not parse, or that did not arrive in time. */
function answerMalformedRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const earlier = responseOn(socket);
  if (earlier?.req.complete) {
    // The malformed data follows a complete request: that request gets its response, and the connection ends.
    if (!earlier.headersSent) earlier.shouldKeepAlive = false;
    earlier.once('close', () => socket.end());
    return;
  }
  const answer = problem(malformedRequests[error.code ?? ''] ?? 'invalid_request');
  const body = JSON.stringify(toDocument(answer));
  socket.end(
    [
      `HTTP/1.1 ${answer.status} ${http.STATUS_CODES[answer.status]}`,
      'content-type: application/problem+json',
      ...Object.entries(defaultHeaders).map(([name, value]) => `${name}: ${value}`),
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}
