import { STATUS_CODES } from 'node:http';
import Type, { type Static } from 'typebox';

/** One row of the code table: the HTTP status a code travels with, and what it means to a person. */
export type ProblemRow = { status: number; title: string };

/** The codes every service can answer with. A service family adds its own rows in its contracts. */
export const platformProblems = {
  invalid_request: { status: 400, title: 'The request does not fit the contract' },
  invalid_cursor: { status: 400, title: 'The cursor was not made by this endpoint' },
  unauthenticated: { status: 401, title: 'A valid access token is needed' },
  token_expired: { status: 401, title: 'The access token has expired' },
  forbidden: { status: 403, title: 'The caller may not do this' },
  not_found: { status: 404, title: 'There is nothing here' },
  method_not_allowed: { status: 405, title: 'The resource does not take this method' },
  not_acceptable: { status: 406, title: 'None of the accepted media types can be had' },
  request_timeout: { status: 408, title: 'The request took too long to arrive' },
  conflict: { status: 409, title: 'The request does not fit the present state' },
  request_in_flight: { status: 409, title: 'A request with this Idempotency-Key is still running' },
  version_mismatch: { status: 412, title: 'The resource has changed since it was read' },
  payload_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The body has a media type that is not taken here' },
  idempotency_key_reused: { status: 422, title: 'The Idempotency-Key was used for another request' },
  rate_limited: { status: 429, title: 'Too many requests' },
  headers_too_large: { status: 431, title: 'The header fields are too large' },
  internal: { status: 500, title: 'The service failed' },
  upstream_failed: { status: 502, title: 'A service behind this one failed' },
  overloaded: { status: 503, title: 'The service has more work than it can do in time' },
  unavailable: { status: 503, title: 'A dependency cannot be reached' },
  deadline_exceeded: { status: 504, title: 'The answer did not come in time' },
} as const satisfies Record<string, ProblemRow>;

export type PlatformProblem = keyof typeof platformProblems;

/** What is wrong with one input field. `field` is a path such as `body.email` or `query.limit`. */
export type FieldError = { field: string; message: string };

type ProblemExtras = { fields?: FieldError[]; retryAfter?: number; cause?: unknown };

/** An error that a caller is meant to see, as an RFC 9457 problem document. */
export class Problem extends Error {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly fields: FieldError[] | undefined;
  /** Seconds after which a retry may succeed; becomes the `Retry-After` header. */
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
 * Makes the function that raises the problems of one table.
 *
 * @example
 * const problem = problemsOf({ sold_out: { status: 409, title: 'Nothing is left' } });
 * throw problem('sold_out', 'The last seat went a minute ago');
 */
export function problemsOf<Code extends string>(table: Record<Code, ProblemRow>) {
  return (code: Code, detail?: string, extras?: ProblemExtras) =>
    new Problem(code, table[code], detail, extras);
}

/** Raises a problem of the platform's own table. */
export const problem = problemsOf<PlatformProblem>(platformProblems);

/** The shape of a problem document on the wire. */
export const ProblemDocument = Type.Object(
  {
    type: Type.String({ description: 'A relative reference to the code in the error table' }),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String(),
    detail: Type.String(),
    correlationId: Type.Optional(Type.String({ description: 'Names the failed request in logs and traces' })),
    errors: Type.Optional(Type.Array(Type.Object({ field: Type.String(), message: Type.String() }))),
  },
  { title: 'Problem', description: 'RFC 9457 problem document' },
);

/** Writes a problem as its document. */
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

/** Reads a problem document that another service sent, keeping its code; `undefined` if it is none. */
export function fromDocument(body: unknown, retryAfter?: number): Problem | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { code, status, title, detail, errors } = body as Static<typeof ProblemDocument>;
  if (typeof code !== 'string' || typeof status !== 'number') return undefined;
  return new Problem(code, { status, title: title ?? STATUS_CODES[status] ?? code }, detail, {
    fields: errors,
    retryAfter,
  });
}
