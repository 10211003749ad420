import {
  type FieldError,
  type PlatformProblem,
  Problem,
  platformProblems,
  problem,
  toDocument,
} from '@slipway/contract-kit/problem';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import { clientLeftTooLittle } from '../core/request-context.ts';
import { contextOf, noteProblem } from '../telemetry/observe.ts';
import { rejectOtherTargets } from './request-target.ts';

/** Default headers of every response: caches must not store it, and browsers must not guess its media type. */
export const defaultHeaders = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

/** Replies to an error, or a request without a route, with a problem document without internal detail. */
export function registerProblemResponses(app: FastifyInstance): void {
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(defaultHeaders);
    done();
  });
  rejectOtherTargets(app);
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const answer = attribute(toProblem(error), request);
    if (isFailure(answer)) request.log.error({ err: error, code: answer.code }, 'request failed');
    return sendProblem(answer, request, reply);
  });
  answerMissingRoutes(app);
}

/**
 * Returns whether an error is a failure to look into. A rejection under overload is a decision: its request line names it,
 * and a stack for each would take more CPU than the rejection.
 */
function isFailure({ status, code }: Problem): boolean {
  return status >= 500 && code !== 'overloaded';
}

/**
 * Replaces a 5xx by a 4xx if the client was responsible, because it was too slow, left too little time or has
 * disconnected: the failure must not count against the service.
 */
function attribute(answer: Problem, request: FastifyRequest): Problem {
  if (answer.status < 500) return answer;
  const { raw } = request;
  const isIncomplete = raw.complete === false;
  if (isIncomplete && raw.destroyed) return problem('invalid_request', 'The request body ended early');
  const context = contextOf(request);
  if (answer.code !== 'deadline_exceeded' || !context || !clientLeftTooLittle(context, !isIncomplete))
    return answer;
  return problem(isIncomplete ? 'request_timeout' : 'too_little_time', undefined, { cause: answer });
}

/** Sends a problem as the response to a request. */
export function sendProblem(answer: Problem, request: FastifyRequest, reply: FastifyReply) {
  noteProblem(request, answer.code);
  if (answer.retryAfter !== undefined) reply.header('retry-after', Math.ceil(answer.retryAfter));
  // The client was too slow: the rest of its request must not occupy the connection.
  if (answer.code === 'request_timeout') reply.header('connection', 'close');
  return reply
    .code(answer.status)
    .headers(defaultHeaders)
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send(toDocument(answer, request.id));
}

/** Replies 404 if no route has the path, and 405 with `Allow` if routes have it for other methods. */
function answerMissingRoutes(app: FastifyInstance): void {
  const methods = new Set<HTTPMethods>();
  app.addHook('onRoute', ({ method }) => {
    for (const each of [method].flat()) methods.add(each);
  });
  app.setNotFoundHandler((request, reply) => {
    const url = request.url.split('?', 1)[0] ?? '/';
    const allowed = [...methods].filter((method) => app.findRoute({ method, url }));
    if (allowed.length === 0) return sendProblem(problem('not_found', `There is no ${url}`), request, reply);
    reply.header('allow', allowed.join(', '));
    const detail = `${url} supports ${allowed.join(', ')}`;
    return sendProblem(problem('method_not_allowed', detail), request, reply);
  });
}

/** Returns the problem to send for an error that was thrown anywhere in a route. */
export function toProblem(error: Error): Problem {
  if (error instanceof Problem) return error;
  const { code, statusCode = 500, message, validation, validationContext }: Partial<FastifyError> = error;
  if (validation) return invalidRequest(validation, validationContext);
  if (statusCode < 400 || statusCode > 499) return problem('internal', undefined, { cause: error });
  if (!code?.startsWith('FST_ERR_')) return problem(codeOf(statusCode), undefined, { cause: error });
  const part = partOf(code);
  return problem(codeOf(statusCode), message, { fields: part ? [{ field: part, message }] : undefined });
}

/** Returns the part of a request that an error of Fastify is about. */
function partOf(code: string): string | undefined {
  if (code.startsWith('FST_ERR_CTP_')) return 'body';
  return code === 'FST_ERR_BAD_URL' || code === 'FST_ERR_MAX_PARAM_LENGTH' ? 'path' : undefined;
}

/** Returns the general code of a status, which is the first with it in the table, or `invalid_request`. */
function codeOf(status: number): PlatformProblem {
  const codes = Object.keys(platformProblems) as PlatformProblem[];
  return codes.find((code) => platformProblems[code].status === status) ?? 'invalid_request';
}

/** Maximum number of errors in one response: a body of 1 MB can contain a hundred thousand. */
const maxFields = 20;

const partNames: Record<string, string> = {
  body: 'body',
  querystring: 'query',
  params: 'path',
  headers: 'header',
};

/** Makes the problem of input that does not fit its schema. */
export function invalidRequest(errors: SchemaError[], part = 'body'): Problem {
  const fields = errors.slice(0, maxFields).map((each) => fieldError(partNames[part] ?? 'body', each));
  const detail = fields.map(({ field, message }) => `${field} ${message}`).join('; ');
  return problem('invalid_request', detail, { fields });
}

type SchemaError = NonNullable<FastifyError['validation']>[number];

/** Ajv names a missing or unknown field in `params`, not in `instancePath`. */
function fieldError(part: string, { instancePath, keyword, params, message }: SchemaError): FieldError {
  const { missingProperty, additionalProperty, allowedValues } = params;
  const path = [part, ...instancePath.split('/').slice(1)];
  if (keyword === 'required') return { field: [...path, missingProperty].join('.'), message: 'is missing' };
  if (keyword === 'additionalProperties') {
    return { field: [...path, additionalProperty].join('.'), message: 'is not a known field' };
  }
  if (Array.isArray(allowedValues)) {
    return { field: path.join('.'), message: `must be one of ${allowedValues.join(', ')}` };
  }
  return { field: path.join('.'), message: message ?? 'is not valid' };
}
