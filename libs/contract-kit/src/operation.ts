import type { Readable } from 'node:stream';
import type { Static, TObject, TSchema } from 'typebox';

/** The callers that may use an operation: anyone, a signed-in person, an administrator, or another service. */
export type Access = 'public' | 'member' | 'admin' | 'service';

/**
 * The priorities of requests under overload, highest first: requests that move money, requests that a person waits for,
 * and work that can be done later.
 */
export const priorities = ['money', 'interactive', 'batch'] as const;
export type Priority = (typeof priorities)[number];

/** Returns the priority of a route. Calls between services are `batch` by default: their callers can retry later. */
export function priorityOf({ priority, access }: { priority?: Priority; access?: Access } = {}): Priority {
  return priority ?? (access === 'service' ? 'batch' : 'interactive');
}

/**
 * One operation of a service. Its Fastify route spreads this object, the typed client calls it, and the OpenAPI document
 * describes it.
 *
 * @example
 * export const getPlan = {
 *   method: 'GET',
 *   url: '/api/v1/plans/:planId',
 *   schema: { operationId: 'getPlan', summary: 'Returns one plan', params: PlanPath, response: { 200: Plan } },
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
    /** Media types of the request body; JSON if absent. */
    consumes?: readonly string[];
    /** Media types of the response; JSON if absent. */
    produces?: readonly string[];
    response: Record<number, TSchema>;
  };
  config: {
    access: Access;
    /** Priority under overload; by default `batch` for operations that services call, `interactive` for all others. */
    priority?: Priority;
    /** The request needs an `Idempotency-Key`; a repeated request gets the first response while it is stored. */
    idempotency?: 'required';
    /** Maximum size of the request body in bytes; the service's limit by default. */
    bodyLimit?: number;
    /** Maximum duration of the operation in milliseconds; the service's limit by default. */
    timeoutMs?: number;
    /**
     * The response is a stream of events without an end. The request counts as served when the head of the response was
     * sent, so the stream has no time limit, takes no permit, and is in no latency.
     */
    isStream?: boolean;
    /** No experiment makes the operation slow or failing, such as the one that ends experiments. */
    hasNoFaults?: boolean;
  };
};

type Part<Name extends string, S> = S extends TSchema
  ? { [key in Name]: Static<S> }
  : { [key in Name]?: never };

/** Every query parameter is optional for a caller, because the service fills in the defaults. */
type Query<S> = S extends TObject ? { query?: Partial<Static<S>> } : { query?: never };

/** The type of the schema, if there is one; text or a stream for an operation that consumes another media type. */
type Body<Schema extends Operation['schema']> = Schema['body'] extends TSchema
  ? { body: Static<Schema['body']> }
  : Schema['consumes'] extends readonly string[]
    ? { body: string | Readable }
    : { body?: never };

/** The arguments of an operation. */
export type Input<Op extends Operation> = Part<'params', Op['schema']['params']> &
  Query<Op['schema']['querystring']> &
  Body<Op['schema']> & { headers?: Record<string, string> };

type Success = 200 | 201 | 202 | 204;

type Responses<R> = {
  [Status in keyof R & Success]: Status extends 204
    ? undefined
    : R[Status] extends TSchema
      ? Static<R[Status]>
      : never;
};

/** The result of an operation that succeeds: its response body, or `undefined` for 204. */
export type Output<Op extends Operation> = Responses<
  Op['schema']['response']
>[keyof Op['schema']['response'] & Success];
