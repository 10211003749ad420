import type { Readable } from 'node:stream';
import type { Static, TObject, TSchema } from 'typebox';

/** Who may call an operation: anyone, a signed-in person, an administrator, or another service. */
export type Access = 'public' | 'member' | 'admin' | 'service';

/**
 * What goes first when not all can be served: what costs money, what a person waits for, what can be done later. The
 * order is the rank.
 */
export const priorities = ['money', 'interactive', 'batch'] as const;
export type Priority = (typeof priorities)[number];

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
    /** Its rank under overload; by default `batch` for what services call, `interactive` for anything else. */
    priority?: Priority;
    /** The route takes an `Idempotency-Key` and answers a repeated request with its first answer. */
    idempotency?: 'required';
    /** Largest body in bytes, where it differs from the service's limit. */
    bodyLimit?: number;
    /** Longest time the operation may take, where it differs from the service's limit; milliseconds. */
    timeoutMs?: number;
  };
};

type Part<Name extends string, S> = S extends TSchema
  ? { [key in Name]: Static<S> }
  : { [key in Name]?: never };

/** A parameter of the query may be left out: the service fills in its default. */
type Query<S> = S extends TObject ? { query?: Partial<Static<S>> } : { query?: never };

/** JSON by the schema; an operation that consumes another media type takes text or a stream. */
type Body<Schema extends Operation['schema']> = Schema['body'] extends TSchema
  ? { body: Static<Schema['body']> }
  : Schema['consumes'] extends readonly string[]
    ? { body: string | Readable }
    : { body?: never };

/** What a caller passes to an operation. */
export type Input<Op extends Operation> = Part<'params', Op['schema']['params']> &
  Query<Op['schema']['querystring']> &
  Body<Op['schema']> & { headers?: Record<string, string> };

type Success = 200 | 201 | 202 | 204;

type Answers<R> = {
  [Status in keyof R & Success]: Status extends 204
    ? undefined
    : R[Status] extends TSchema
      ? Static<R[Status]>
      : never;
};

/** What an operation answers when it succeeds: the body, or `undefined` for 204. */
export type Output<Op extends Operation> = Answers<Op['schema']['response']>[keyof Op['schema']['response'] &
  Success];
