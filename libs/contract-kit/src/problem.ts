import type { Static } from 'typebox';
import { http } from './node-http.ts';
import { Type } from './type.ts';

/** One row of the table of error codes: the HTTP status of a code, and its meaning for people. */
export type ProblemRow = { status: number; title: string };

/** The error codes that any service can return. Contracts add the codes of their own system. */
export const platformProblems = {
  invalid_request: { status: 400, title: 'The request is not valid' },
  invalid_cursor: { status: 400, title: 'The cursor does not belong to this list' },
  unauthenticated: { status: 401, title: 'A valid access token is required' },
  token_expired: { status: 401, title: 'The access token has expired' },
  forbidden: { status: 403, title: 'The caller is not allowed to do this' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'The resource does not support this method' },
  not_acceptable: { status: 406, title: 'None of the accepted media types is available' },
  request_timeout: { status: 408, title: 'The request took too long to arrive' },
  too_little_time: { status: 408, title: 'The client left too little time for a response' },
  conflict: { status: 409, title: 'The request conflicts with the current state' },
  request_in_flight: { status: 409, title: 'A request with this Idempotency-Key is still in progress' },
  version_mismatch: { status: 412, title: 'The resource has changed since it was read' },
  payload_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The media type of the body is not supported' },
  idempotency_key_reused: { status: 422, title: 'The Idempotency-Key was used for a different request' },
  rate_limited: { status: 429, title: 'Too many requests' },
  headers_too_large: { status: 431, title: 'The header fields are too large' },
  internal: { status: 500, title: 'An unexpected error occurred' },
  upstream_failed: { status: 502, title: 'An upstream service failed' },
  overloaded: { status: 503, title: 'The service is overloaded' },
  unavailable: { status: 503, title: 'A dependency is unreachable' },
  deadline_exceeded: { status: 504, title: 'The request was not completed in time' },
} as const satisfies Record<string, ProblemRow>;

export type PlatformProblem = keyof typeof platformProblems;

/** An error in one input field. `field` is a path such as `body.email` or `query.limit`. */
export type FieldError = { field: string; message: string };

type ProblemExtras = { fields?: FieldError[]; retryAfter?: number; cause?: unknown };

/** An error that is shown to the client as a problem document (RFC 9457). */
export class Problem extends Error {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly fields: FieldError[] | undefined;
  /** Seconds until a retry may succeed; sent as the `Retry-After` header. */
  readonly retryAfter: number | undefined;

  constructor(code: string, row: ProblemRow, detail?: string, extras: ProblemExtras = {}) {
    super(detail ?? row.title, extras.cause === undefined ? undefined : { cause: extras.cause });
    this.name = 'Problem';
    this.code = code;
    this.status = row.status;
    this.title = row.title;
    this.fields = extras.fields;
    this.retryAfter = extras.retryAfter;
  }
}

/**
 * Makes the function that creates the problems of one table.
 *
 * @example
 * const problem = problemsOf({ sold_out: { status: 409, title: 'Sold out' } });
 * throw problem('sold_out', 'The last seat was sold a minute ago');
 */
export function problemsOf<Code extends string>(table: Record<Code, ProblemRow>) {
  return (code: Code, detail?: string, extras?: ProblemExtras) =>
    new Problem(code, table[code], detail, extras);
}

/** Creates a problem of the platform's own table. */
export const problem = problemsOf<PlatformProblem>(platformProblems);

/** The schema of a problem document. */
export const ProblemDocument = Type.Object(
  {
    type: Type.String({ description: 'Relative reference to the description of the code' }),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String(),
    detail: Type.String(),
    correlationId: Type.Optional(Type.String({ description: 'Identifies the request in logs and traces' })),
    errors: Type.Optional(Type.Array(Type.Object({ field: Type.String(), message: Type.String() }))),
  },
  { title: 'Problem', description: 'Problem document (RFC 9457)' },
);

/** Returns the problem document of an error. */
export function toDocument(error: Problem, correlationId?: string): Static<typeof ProblemDocument> {
  return {
    type: `/docs/errors#${error.code}`,
    title: error.title,
    status: error.status,
    code: error.code,
    detail: error.message,
    ...(correlationId && { correlationId }),
    ...(error.fields && { errors: error.fields }),
  };
}

/** Reads the problem document of another service, with its code; `undefined` if `body` is not one. */
export function fromDocument(body: unknown, retryAfter?: number): Problem | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { code, status, title, detail, errors } = body as Static<typeof ProblemDocument>;
  if (typeof code !== 'string' || typeof status !== 'number') return undefined;
  return new Problem(code, { status, title: title ?? http.STATUS_CODES[status] ?? code }, detail, {
    fields: errors,
    retryAfter,
  });
}
