import { createHash } from 'node:crypto';
import { setImmediate as nextIteration } from 'node:timers/promises';
import type { Operation } from '@slipway/contract-kit/operation';
import { problem } from '@slipway/contract-kit/problem';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '../telemetry/log.ts';
import { BoundedMap } from './bounded-map.ts';

/** The first response to a request, stored to be sent again. */
export type StoredAnswer = { status: number; contentType?: string; body: string };

export type Reservation =
  /** The key was free and is now reserved: run the request, then `complete` or `release` the key. */
  | { state: 'reserved' }
  /** A request with this key is running or has crashed, or the key is reserved for another body. */
  | { state: 'running'; bodyHash: string }
  | { state: 'done'; bodyHash: string; answer: StoredAnswer };

/** The store of idempotency keys, shared by all replicas of a service. */
export type IdempotencyStore = {
  /**
   * Reserves a key in one atomic step. A reservation older than `staleAfter` milliseconds counts as left by a crash:
   * a request with the same body takes it over.
   *
   * @param caller the caller whose keys are limited together
   */
  reserve(
    key: string,
    bodyHash: string,
    now: number,
    staleAfter: number,
    caller?: string,
  ): Promise<Reservation>;
  /** Stores the response, unless one is stored already. */
  complete(key: string, answer: StoredAnswer): Promise<void>;
  /**
   * Makes a reservation stale immediately, if the key has no response. Then the next request with the same body gets the
   * key. A request with another body does not, because the first may have had its effect.
   */
  release(key: string, staleAfter: number): Promise<void>;
  /**
   * Deletes up to `limit` keys that were reserved before `before`, in milliseconds since the epoch.
   *
   * @returns how many it has deleted; fewer than `limit` if no more are as old, or if another process deletes them
   */
  expire(before: number, limit: number): Promise<number>;
  /**
   * Deletes the oldest keys of a caller that are beyond a number, or beyond a number of bytes of stored responses. Keeps
   * reservations without a response that were made since `runningSince`.
   */
  trim(caller: string, limits: KeyLimits, runningSince: number): Promise<void>;
};

/** The maximum that is stored for one caller. `bytes` counts the bodies of responses. */
export type KeyLimits = { records: number; bytes: number };

type Options = {
  log: Logger;
  /** Whether this process deletes expired keys by a timer, because the service has no job for it. */
  expires: boolean;
  /** Time limit in milliseconds of a route without a `timeoutMs`. */
  requestTimeout: number;
};

type Run = { id: string; bodyHash: string; staleAfter: number; caller: string; reserved: boolean };

/** Milliseconds after the time limit of its request at which a reservation is considered to be left by a crash. */
const staleMargin = 5_000;
/** Time in milliseconds for which a response is stored. */
const storedFor = 24 * 60 * 60_000;
/** The oldest keys beyond these limits are deleted. A request with a deleted key runs again, and finds what it created. */
export const keyLimits: KeyLimits = { records: 10_000, bytes: 10 * 1_048_576 };
/** Growth after which a process trims a caller's keys, which may exceed the limits by this for each process. */
const uncounted: KeyLimits = { records: 100, bytes: 1_048_576 };
/** Maximum number of callers whose keys are followed. */
const maxCallers = 10_000;
/**
 * Maximum number of keys that are deleted at a time, so that a command ends in time and requests run in between. A
 * transaction of Datastore may change 500 entities.
 */
const expireBatch = 250;
/** Interval in milliseconds between two deletions of expired keys. */
const expireInterval = 10 * 60_000;

/**
 * Makes the routes with `config.idempotency: 'required'` idempotent: a request that is sent again with the same
 * `Idempotency-Key` gets the first response while that is stored, and has no second effect.
 * Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */
export function registerIdempotency(
  app: FastifyInstance,
  store: IdempotencyStore,
  { log, expires, requestTimeout }: Options,
): void {
  app.decorateRequest('idempotency', null);
  app.addHook('onRoute', (route) => {
    const { idempotency, timeoutMs } = (route.config ?? {}) as Partial<Operation['config']>;
    if (idempotency !== 'required') return;
    const staleAfter = (timeoutMs ?? requestTimeout) + staleMargin;
    const reserve = (request: FastifyRequest, reply: FastifyReply) => begin(request, reply, staleAfter);
    // Runs after authentication and validation, and before the route's own hooks.
    route.preHandler = [reserve, ...[route.preHandler ?? []].flat()];
    route.onSend = [...[route.onSend ?? []].flat(), end];
  });
  if (expires) expirePeriodically(app, store, log);
  const grew = trimNowAndThen(store, log);

  async function begin(request: FastifyRequest, reply: FastifyReply, staleAfter: number) {
    const caller = subjectOf(request);
    const run: Run = {
      id: identify(request),
      bodyHash: hashOf(request),
      staleAfter,
      caller,
      reserved: false,
    };
    request.setDecorator('idempotency', run);
    const found = await store.reserve(run.id, run.bodyHash, Date.now(), staleAfter, caller);
    if (found.state === 'reserved') {
      run.reserved = true;
      return;
    }
    if (found.bodyHash !== run.bodyHash) throw problem('idempotency_key_reused');
    if (found.state === 'running') throw problem('request_in_flight', undefined, { retryAfter: 1 });
    const { status, contentType, body } = found.answer;
    reply.code(status).header('idempotency-replayed', 'true');
    if (contentType !== undefined) reply.header('content-type', contentType);
    return reply.send(body || undefined);
  }

  async function end(request: FastifyRequest, reply: FastifyReply, payload: unknown) {
    const run = request.getDecorator<Run | null>('idempotency');
    if (!run?.reserved) return payload;
    run.reserved = false;
    const answer = answerOf(reply, payload);
    grew(run, answer ? Buffer.byteLength(answer.body) : 0);
    try {
      if (answer && isFinal(answer)) await store.complete(run.id, answer);
      else await store.release(run.id, run.staleAfter);
    } catch (error) {
      // The response is still correct. A repeated request is rejected until the reservation is stale. Then it runs with
      // the same operation ID, by which it finds what this request did.
      log.error({ err: error, operation: run.id }, 'failed to store the response for its idempotency key');
    }
    return payload;
  }
}

/**
 * Returns the ID of what a request does: 32 hexadecimal digits, derived from caller, route, path and `Idempotency-Key`,
 * so it is the same after a restart and on every replica. Use it as the ID of whatever the request creates: then a
 * request that runs again after a crash finds what its first run created.
 */
export function operationIdOf(request: FastifyRequest): string {
  const run = request.getDecorator<Run | null>('idempotency');
  if (!run) throw new Error(`${request.routeOptions.url} does not declare config.idempotency`);
  return run.id;
}

function identify(request: FastifyRequest): string {
  const { method, url } = request.routeOptions;
  const scope = [subjectOf(request), method, url, request.params, keyOf(request)];
  return sha256(canonical(scope)).slice(0, 32);
}

/** Matches 1 to 255 visible ASCII characters. */
const validKey = /^[\x21-\x7e]{1,255}$/;

function keyOf(request: FastifyRequest): string {
  const key = request.headers['idempotency-key'];
  if (typeof key === 'string' && validKey.test(key)) return key;
  const message = key === undefined ? 'is required' : 'must be 1 to 255 visible ASCII characters';
  throw problem('invalid_request', `header.idempotency-key ${message}`, {
    fields: [{ field: 'header.idempotency-key', message }],
  });
}

function subjectOf(request: FastifyRequest): string {
  if (!request.server.hasRequestDecorator('principal')) return 'anonymous';
  return request.getDecorator<{ subject: string } | null>('principal')?.subject ?? 'anonymous';
}

function hashOf({ body, query }: FastifyRequest): string {
  return sha256(canonical({ body, query }));
}

/** Serializes a value to JSON with sorted fields, so that equal values have equal texts. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, each) => (isObject(each) ? sorted(each) : each));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sorted(object: object): object {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Returns the response to store; `undefined` for a stream, which is not stored. */
function answerOf(reply: FastifyReply, payload: unknown): StoredAnswer | undefined {
  const isText = payload == null || typeof payload === 'string' || Buffer.isBuffer(payload);
  if (!isText) return undefined;
  const contentType = reply.getHeader('content-type')?.toString();
  return { status: reply.statusCode, contentType, body: payload?.toString() ?? '' };
}

/** Statuses below 500 that are not stored: the same request may succeed later, or with other credentials. */
const temporary = new Set([401, 403, 408, 429]);

function isFinal({ status, body }: StoredAnswer): boolean {
  if (status >= 500 || temporary.has(status)) return false;
  return status !== 409 || !body.includes('"code":"request_in_flight"');
}

/**
 * Deletes the keys whose responses have been stored for a day.
 *
 * @param signal ends it early
 * @throws the reason of the signal
 */
export async function expireKeys(
  store: Pick<IdempotencyStore, 'expire'>,
  signal?: AbortSignal,
): Promise<void> {
  const before = Date.now() - storedFor;
  for (let deleted = expireBatch; deleted === expireBatch; ) {
    signal?.throwIfAborted();
    deleted = await store.expire(before, expireBatch);
    await nextIteration();
  }
}

function expirePeriodically(app: FastifyInstance, store: IdempotencyStore, log: Logger): void {
  const expire = () =>
    expireKeys(store).catch((error) => log.warn({ err: error }, 'failed to delete expired idempotency keys'));
  const timer = setInterval(expire, expireInterval).unref();
  app.addHook('onClose', async () => clearInterval(timer));
}

/** Creates the function that counts what each caller's keys grow by, and lets the store trim them when it is due. */
function trimNowAndThen(store: IdempotencyStore, log: Logger) {
  const callers = new BoundedMap<string, KeyLimits>(maxCallers);
  return ({ caller, staleAfter }: Run, bytes: number): void => {
    const before = callers.get(caller) ?? { records: 0, bytes: 0 };
    const grown = { records: before.records + 1, bytes: before.bytes + bytes };
    const isDue = grown.records >= uncounted.records || grown.bytes >= uncounted.bytes;
    callers.set(caller, isDue ? { records: 0, bytes: 0 } : grown);
    if (!isDue) return;
    store
      .trim(caller, keyLimits, Date.now() - staleAfter)
      .catch((error) => log.warn({ err: error }, 'failed to delete the oldest idempotency keys of a caller'));
  };
}
