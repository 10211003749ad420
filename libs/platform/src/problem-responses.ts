import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type FieldError, Problem, platformProblems, problem, toDocument } from './errors.ts';

/** Turns every failure of a service into a problem document; nothing internal leaves the process. */
export function registerProblemResponses(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const answer = toProblem(error);
    if (answer.status >= 500) request.log.error({ err: error, code: answer.code }, 'request failed');
    return sendProblem(answer, request, reply);
  });
  app.setNotFoundHandler((request, reply) => sendProblem(missingRoute(app, request), request, reply));
}

/** Sends a problem as the answer to a request. */
export function sendProblem(answer: Problem, request: FastifyRequest, reply: FastifyReply) {
  if (answer.retryAfter !== undefined) reply.header('retry-after', Math.ceil(answer.retryAfter));
  return reply
    .code(answer.status)
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send(toDocument(answer, request.id));
}

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

function missingRoute(app: FastifyInstance, request: FastifyRequest): Problem {
  const path = request.url.split('?', 1)[0] ?? '/';
  const allowed = methods.filter(
    (method) => app.findRoute({ method, url: path }) || matches(app, method, path),
  );
  if (allowed.length === 0) return problem('not_found', `No route ${request.method} ${path}`);
  return problem('method_not_allowed', `${path} takes ${allowed.join(', ')}`);
}

function matches(app: FastifyInstance, method: (typeof methods)[number], url: string): boolean {
  return app.hasRoute({ method, url });
}

/** The problem that an error thrown anywhere below a route means to the caller. */
export function toProblem(error: FastifyError | Problem): Problem {
  if (error instanceof Problem) return error;
  if ('validation' in error && error.validation) return invalidRequest(error);
  const code = fastifyCodes[error.code];
  if (code) return problem(code, error.message, { fields: bodyField(code, error.message) });
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500) return problem(byStatus(status), error.message);
  return problem('internal', undefined, { cause: error });
}

const fastifyCodes: Record<string, keyof typeof platformProblems> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload_too_large',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid_request',
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid_request',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid_request',
  FST_ERR_BAD_URL: 'invalid_request',
};

function bodyField(code: string, message: string): FieldError[] | undefined {
  return code === 'invalid_request' ? [{ field: 'body', message }] : undefined;
}

function byStatus(status: number): keyof typeof platformProblems {
  const row = Object.entries(platformProblems).find(([, { status: its }]) => its === status);
  return (row?.[0] ?? 'invalid_request') as keyof typeof platformProblems;
}

const partNames: Record<string, string> = {
  body: 'body',
  querystring: 'query',
  params: 'path',
  headers: 'header',
};

function invalidRequest(error: FastifyError): Problem {
  const part = partNames[error.validationContext ?? 'body'] ?? 'body';
  const fields = (error.validation ?? []).map(({ instancePath, params, message }) => ({
    field: [part, ...instancePath.split('/').slice(1), ...namedIn(params)].join('.'),
    message: message ?? 'is not valid',
  }));
  return problem('invalid_request', fields.map((each) => `${each.field} ${each.message}`).join('; '), {
    fields,
  });
}

/** Ajv names a missing or an unknown property in its params, not in the path. */
function namedIn(params: Record<string, unknown>): string[] {
  const name = params.missingProperty ?? params.additionalProperty;
  return typeof name === 'string' ? [name] : [];
}
