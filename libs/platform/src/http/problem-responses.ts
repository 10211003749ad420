import {
  type FieldError,
  type PlatformProblem,
  Problem,
  platformProblems,
  problem,
  toDocument,
} from '@slipway/contract-kit/problem';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import findMyWay, { type HTTPMethod } from 'find-my-way';
import { noteProblem } from '../telemetry/observe.ts';
import { rejectOtherTargets } from './request-target.ts';

/** Headers of every answer, unless its route sets its own: nothing is stored, or taken for another media type. */
export const defaultHeaders = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

/** Turns every failure of a service into a problem document; nothing internal leaves the process. */
export function registerProblemResponses(app: FastifyInstance): void {
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(defaultHeaders);
    done();
  });
  rejectOtherTargets(app);
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const answer = toProblem(error);
    if (answer.status >= 500) request.log.error({ err: error, code: answer.code }, 'request failed');
    return sendProblem(answer, request, reply);
  });
  answerMissingRoutes(app);
}

/** Sends a problem as the answer to a request. */
export function sendProblem(answer: Problem, request: FastifyRequest, reply: FastifyReply) {
  noteProblem(request, answer.code);
  if (answer.retryAfter !== undefined) reply.header('retry-after', Math.ceil(answer.retryAfter));
  // The rest of a request that was too slow is not waited for.
  if (answer.status === 408) reply.header('connection', 'close');
  return reply
    .code(answer.status)
    .headers(defaultHeaders)
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send(toDocument(answer, request.id));
}

/**
 * 404 where no route has the path, 405 with `Allow` where one has it for other methods. Fastify's router does
 * not tell which methods a path takes, so a second router of the same kind is asked: only when a route is missing.
 */
function answerMissingRoutes(app: FastifyInstance): void {
  const routes = findMyWay();
  const methods = new Set<HTTPMethod>();
  app.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat() as HTTPMethod[]) {
      methods.add(each);
      if (!routes.hasRoute(each, url)) routes.on(each, url, () => undefined);
    }
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '/';
    const allowed = [...methods].filter((method) => routes.find(method, path));
    if (allowed.length === 0) return sendProblem(problem('not_found', `There is no ${path}`), request, reply);
    reply.header('allow', allowed.join(', '));
    const takes = `${path} takes ${allowed.join(', ')}`;
    return sendProblem(problem('method_not_allowed', takes), request, reply);
  });
}

/** The problem that an error thrown anywhere below a route means to the caller. */
export function toProblem(error: FastifyError | Problem): Problem {
  if (error instanceof Problem) return error;
  if ('validation' in error && error.validation)
    return invalidRequest(error.validation, error.validationContext);
  const { code, statusCode = 500, message } = error;
  if (statusCode < 400 || statusCode > 499) return problem('internal', undefined, { cause: error });
  if (!code?.startsWith('FST_ERR_')) return problem(codeOf(statusCode), undefined, { cause: error });
  const part = partOf(code);
  return problem(codeOf(statusCode), message, { fields: part ? [{ field: part, message }] : undefined });
}

/** The part of a request that an error of Fastify is about. */
function partOf(code: string): string | undefined {
  if (code.startsWith('FST_ERR_CTP_')) return 'body';
  return code === 'FST_ERR_BAD_URL' || code === 'FST_ERR_MAX_PARAM_LENGTH' ? 'path' : undefined;
}

/** The general code of a status: the first row that has it. */
function codeOf(status: number): PlatformProblem {
  const codes = Object.keys(platformProblems) as PlatformProblem[];
  return codes.find((code) => platformProblems[code].status === status) ?? 'invalid_request';
}

/** More would only make the answer long: a body of a megabyte can be wrong in a hundred thousand places. */
const mostFields = 20;

const partNames: Record<string, string> = {
  body: 'body',
  querystring: 'query',
  params: 'path',
  headers: 'header',
};

/** The problem of input that does not fit its schema. */
export function invalidRequest(errors: SchemaError[], part = 'body'): Problem {
  const fields = errors.slice(0, mostFields).map((each) => fieldError(partNames[part] ?? 'body', each));
  const detail = fields.map(({ field, message }) => `${field} ${message}`).join('; ');
  return problem('invalid_request', detail, { fields });
}

type SchemaError = NonNullable<FastifyError['validation']>[number];

/** Ajv names a missing or an unknown field in its params, not in the path. */
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
