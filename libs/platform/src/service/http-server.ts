import {
  type IncomingMessage,
  type OutgoingHttpHeader,
  type OutgoingHttpHeaders,
  type ServerOptions,
  ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Socket } from 'node:net';
import { type PlatformProblem, problem, toDocument } from '@slipway/contract-kit/problem';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { defaultHeaders, sendProblem, toProblem } from '../http/problem-responses.ts';
import { registerBodies } from '../http/request-body.ts';
import { originForm } from '../http/request-target.ts';
import { createValidators } from '../http/validation.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { PlatformSettings } from './settings.ts';

/** Time in which a whole request must have arrived: the longest that a contract gives a stream; milliseconds. */
const receiveTimeout = 600_000;

const correlationId = /^[\w.:-]{1,64}$/;

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[];

/** Makes the HTTP server of a service: its limits, its input validation, its answers to broken requests. */
export function createHttpServer(
  log: FastifyBaseLogger,
  lifecycle: Lifecycle,
  settings: PlatformSettings,
): FastifyInstance {
  const app: FastifyInstance = Fastify({
    // Not as `loggerInstance`: Fastify would listen to each response for the lines that are switched off.
    childLoggerFactory: () => log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: ({ headers }) => {
      const given = headers['x-correlation-id'];
      return typeof given === 'string' && correlationId.test(given) ? given : crypto.randomUUID();
    },
    bodyLimit: settings.BODY_LIMIT_BYTES,
    requestTimeout: receiveTimeout,
    keepAliveTimeout: settings.KEEP_ALIVE_TIMEOUT_MS,
    routerOptions: { maxParamLength: 512 },
    rewriteUrl: originForm,
    // A draining service serves to the end; it is /status that sends new traffic elsewhere.
    return503OnClosing: false,
    http: httpOptions(lifecycle, settings.HEADERS_TIMEOUT_MS),
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error, request, reply) => sendProblem(toProblem(error), request, reply),
  });
  app.setValidatorCompiler(createValidators());
  registerBodies(app);
  honourRouteLimits(app);
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
 * Responses that carry `Connection: close` while `leaving()`, so that keep-alive clients reconnect to another
 * replica. Decided when the head is written: a request that was in flight when the drain began is included.
 */
function reconnectingWhen(leaving: () => boolean) {
  return class<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
    override writeHead(status: number, reasonOrHeaders?: string | Headers, headers?: Headers): this {
      if (leaving()) this.shouldKeepAlive = false;
      return super.writeHead(status, reasonOrHeaders as string, headers);
    }
  };
}

/** Contracts say a route's limit in its `config`; Fastify takes it as a route option. */
function honourRouteLimits(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    const { bodyLimit } = (route.config ?? {}) as { bodyLimit?: number };
    if (bodyLimit) route.bodyLimit = bodyLimit;
  });
}

const brokenRequests: Record<string, PlatformProblem> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'payload_too_large',
};

/** Answers what never became a request, such as a malformed head or one that took too long to arrive. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const answer = problem(brokenRequests[error.code ?? ''] ?? 'invalid_request');
  const body = JSON.stringify(toDocument(answer));
  socket.end(
    [
      `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}`,
      'content-type: application/problem+json',
      ...Object.entries(defaultHeaders).map(([name, value]) => `${name}: ${value}`),
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}
