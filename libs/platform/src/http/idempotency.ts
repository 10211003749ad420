import { createHash } from 'node:crypto';
import type { Operation } from '@slipway/contract-kit/operation';
import { problem } from '@slipway/contract-kit/problem';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '../telemetry/log.ts';

/** The first answer to a request, as it is repeated. */
export type StoredAnswer = { status: number; contentType?: string; body: string };

export type Reservation =
  /** Nobody has used the key: go on, then `complete` or `release` it. */
  | { state: 'reserved' }
  /** A request with this key is running and its reservation has not expired. */
  | { state: 'running'; bodyHash: string }
  | { state: 'done'; bodyHash: string; answer: StoredAnswer };

/** Where the keys of repeated requests are kept; shared by all replicas of a service. */
export type IdempotencyStore = {
  /**
   * Reserves a key in one atomic step. A reservation older than `staleAfter` ms was left by a crash: it is
   * taken over, by a request with the same body.
   */
  reserve(key: string, bodyHash: string, now: number, staleAfter: number): Promise<Reservation>;
  /** Keeps the first answer; one that is kept already stays. */
  complete(key: string, answer: StoredAnswer): Promise<void>;
  /**
   * Makes a key that has no answer stale at once: the same body has it next. Another one has not: the first may
   * have had its effect.
   */
  release(key: string, staleAfter: number): Promise<void>;
  /** Forgets keys that were reserved before `before` (milliseconds since the epoch). */
  expire(before: number): Promise<void>;
};

type Options = {
  log: Logger;
  /** Milliseconds that a request may take where its route names no `timeoutMs`. */
  requestTimeout: number;
};

type Run = { id: string; bodyHash: string; staleAfter: number; reserved: boolean };

/** Milliseconds by which a reservation outlives its request's timeout before it counts as left by a crash. */
const staleMargin = 5_000;
/** Milliseconds for which an answer is repeated, and between two clearings of older ones. */
const keptFor = 24 * 60 * 60_000;
const clearEvery = 10 * 60_000;

/**
 * Gives the routes with `config.idempotency: 'required'` their guarantee: a request that is repeated with its
 * `Idempotency-Key` gets the first answer and has no second effect.
 * Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */
export function registerIdempotency(
  app: FastifyInstance,
  store: IdempotencyStore,
  { log, requestTimeout }: Options,
): void {
  app.decorateRequest('idempotency', null);
  app.addHook('onRoute', (route) => {
    const { idempotency, timeoutMs } = (route.config ?? {}) as Partial<Operation['config']>;
    if (idempotency !== 'required') return;
    const staleAfter = (timeoutMs ?? requestTimeout) + staleMargin;
    const reserve = (request: FastifyRequest, reply: FastifyReply) => begin(request, reply, staleAfter);
    // After authentication and validation, before the route's own hooks.
    route.preHandler = [reserve, ...[route.preHandler ?? []].flat()];
    route.onSend = [...[route.onSend ?? []].flat(), end];
  });
  clearPeriodically(app, store, log);

  async function begin(request: FastifyRequest, reply: FastifyReply, staleAfter: number) {
    const run: Run = { id: identify(request), bodyHash: hashOf(request), staleAfter, reserved: false };
    request.setDecorator('idempotency', run);
    const found = await store.reserve(run.id, run.bodyHash, Date.now(), staleAfter);
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
    try {
      if (answer && isFinal(answer)) await store.complete(run.id, answer);
      else await store.release(run.id, run.staleAfter);
    } catch (error) {
      // The answer is true all the same. A repetition waits until the reservation is stale, then runs again
      // with the same operation id and finds what this one did.
      log.error({ err: error, operation: run.id }, 'the answer could not be kept for repetitions');
    }
    return payload;
  }
}

/**
 * A deterministic id of what a request does: 32 hexadecimal digits, the same for the same caller, route, path
 * and `Idempotency-Key`, over restarts and replicas. Use it as the id of whatever the request makes, so that
 * a request that runs again after a crash finds what its first run made.
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

/** 1–255 visible ASCII characters. */
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

/** JSON with the fields of each object in one order, so that equal values have equal texts. */
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

/** The answer as it is kept; `undefined` for a stream, which cannot be. */
function answerOf(reply: FastifyReply, payload: unknown): StoredAnswer | undefined {
  const isText = payload == null || typeof payload === 'string' || Buffer.isBuffer(payload);
  if (!isText) return undefined;
  const contentType = reply.getHeader('content-type')?.toString();
  return { status: reply.statusCode, contentType, body: payload?.toString() ?? '' };
}

/** Answers that a repetition should not get: it may succeed with other credentials, or later. */
const passing = new Set([401, 403, 408, 429]);

function isFinal({ status, body }: StoredAnswer): boolean {
  if (status >= 500 || passing.has(status)) return false;
  return status !== 409 || !body.includes('"code":"request_in_flight"');
}

function clearPeriodically(app: FastifyInstance, store: IdempotencyStore, log: Logger): void {
  const clear = () =>
    store
      .expire(Date.now() - keptFor)
      .catch((error) => log.warn({ err: error }, 'old keys were not cleared'));
  const timer = setInterval(clear, clearEvery).unref();
  app.addHook('onClose', async () => clearInterval(timer));
}
