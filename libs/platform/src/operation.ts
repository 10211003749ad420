import type { Static, TObject, TSchema } from 'typebox';

/** Who may call an operation: anyone, a signed-in person, an administrator, or another service. */
export type Access = 'public' | 'member' | 'admin' | 'service';

/**
 * One operation of a service: the object that its Fastify route spreads, that the typed client calls, and
 * that the API document describes.
 *
 * @example
 * export const getPlan = {
 *   method: 'GET',
 *   url: '/api/v1/plans/:planId',
 *   schema: { operationId: 'getPlan', summary: 'Reads one plan', params: PlanPath, response: { 200: Plan } },
 *   config: { access: 'public' },
 * } as const satisfies Operation;
 */
export type Operation = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: string;
  schema: {
    operationId: string;
    summary: string;
    description?: string;
    tags?: readonly string[];
    params?: TObject;
    querystring?: TObject;
    headers?: TObject;
    body?: TSchema;
    /** Media types of the body, when they are not JSON alone. */
    consumes?: readonly string[];
    /** Media types of the answer, when they are not JSON alone. */
    produces?: readonly string[];
    response: Record<number, TSchema>;
  };
  config: {
    access: Access;
    /** The route takes an `Idempotency-Key` and answers a repeated request with its first answer. */
    idempotency?: 'required';
    /** Largest body in bytes, where it differs from the service's limit. */
    bodyLimit?: number;
    /** Longest time the operation may take, where it differs from the service's limit; milliseconds. */
    timeoutMs?: number;
  };
};

type StaticOr<S, Otherwise> = S extends TSchema ? Static<S> : Otherwise;

type Part<Name extends string, S> = S extends TSchema
  ? { [key in Name]: Static<S> }
  : { [key in Name]?: never };

/** What a caller passes to an operation. */
export type Input<Op extends Operation> = Part<'params', Op['schema']['params']> &
  (Op['schema']['querystring'] extends TObject
    ? { query?: Partial<Static<Op['schema']['querystring']>> }
    : { query?: never }) &
  Part<'body', Op['schema']['body']> & { headers?: Record<string, string> };

type Successes<R> = {
  [Status in keyof R]: Status extends 200 | 201 | 202 | 204 ? R[Status] : never;
}[keyof R];

/** What an operation answers when it succeeds. */
export type Output<Op extends Operation> = StaticOr<Successes<Op['schema']['response']>, undefined>;
