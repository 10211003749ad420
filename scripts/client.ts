import { setTimeout as wait } from 'node:timers/promises';
import type { Input, Operation, Output } from '@slipway/contract-kit/operation';
import { fromDocument, type Problem } from '@slipway/contract-kit/problem';
import { logIn as logInOperation } from '@slipway/contracts/users';
import { backoff } from '@slipway/platform/core/backoff';

/** Codes after which a retry may succeed. All requests of the scripts are safe to retry. */
const transient = ['rate_limited', 'overloaded', 'unavailable', 'upstream_failed', 'deadline_exceeded'];
const repeatable = new Set([...transient, 'request_in_flight', 'payment_unconfirmed']);

/** Delays before a retry if the response has no `Retry-After`; milliseconds. */
const delays = { base: 200, max: 2_000 };

type LooseInput = {
  params?: Record<string, string>;
  query?: Record<string, unknown>;
  body?: unknown;
};

/** A request to send. `lines` generates the body again for each attempt, so that a stream can be retried. */
type Outgoing = LooseInput & { token?: string; key?: string; lines?: () => Iterable<string> };

export type Call = <Op extends Operation>(
  operation: Op,
  input: Omit<Input<Op>, 'headers' | 'body'> & Partial<Pick<Input<Op>, 'body'>>,
  options?: { key?: string; lines?: () => Iterable<string> },
) => Promise<Output<Op>>;

/** How long a request is retried; milliseconds. */
type Retry = { retryForMs: number };
const defaultRetry: Retry = { retryForMs: 90_000 };

/**
 * Creates a client without an account. It retries requests that may succeed, respects `Retry-After`, and sends the
 * caller's key as the `Idempotency-Key`.
 *
 * @throws the error of the last attempt: a `Problem`, or a `TypeError` if the system is unreachable.
 */
export function anonymous(base: string, stopping: AbortSignal, retry: Retry = defaultRetry): Call {
  return (operation, input, options) =>
    persist(() => send(base, operation, { ...(input as LooseInput), ...options }, stopping), stopping, retry);
}

/** Creates a client with an account, which logs in again when the access token has expired. */
export async function logIn(
  base: string,
  account: { email: string; password: string },
  stopping: AbortSignal,
  retry: Retry = defaultRetry,
): Promise<Call> {
  const renew = () => anonymous(base, stopping, retry)(logInOperation, { body: account });
  let { accessToken: token } = await renew();
  return async (operation, input, options) => {
    const request = () =>
      persist(
        () => send(base, operation, { ...(input as LooseInput), ...options, token }, stopping),
        stopping,
        retry,
      );
    try {
      return await request();
    } catch (error) {
      if ((error as Problem).code !== 'token_expired') throw error;
      token = (await renew()).accessToken;
      return request();
    }
  };
}

async function persist<T>(
  attempt: () => Promise<T>,
  stopping: AbortSignal,
  { retryForMs }: Retry,
): Promise<T> {
  const end = Date.now() + retryForMs;
  for (let retry = 0; ; retry += 1) {
    try {
      return await attempt();
    } catch (error) {
      const { code, retryAfter } = error as Problem;
      const mayRetry = error instanceof TypeError || repeatable.has(code);
      if (!mayRetry || Date.now() >= end || stopping.aborted) throw error;
      const delay = retryAfter === undefined ? backoff(retry, delays) : retryAfter * 1_000;
      await wait(delay, undefined, { signal: stopping });
    }
  }
}

async function send<Op extends Operation>(
  base: string,
  { method, url, schema }: Op,
  { params = {}, query = {}, body, token, key, lines }: Outgoing,
  signal: AbortSignal,
): Promise<Output<Op>> {
  const path = url.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
  const search = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  const answer = await fetch(`${base}${path}?${search}`, {
    method,
    headers: {
      ...((body !== undefined || lines) && { 'content-type': schema.consumes?.[0] ?? 'application/json' }),
      ...(token && { authorization: `Bearer ${token}` }),
      ...(key && { 'idempotency-key': key }),
    },
    body: lines
      ? ReadableStream.from(inBlocks(lines()))
      : body === undefined
        ? undefined
        : JSON.stringify(body),
    duplex: 'half',
    signal,
  });
  const text = await answer.text();
  const content = text === '' ? undefined : JSON.parse(text);
  if (answer.ok) return content as Output<Op>;
  const retryAfter = answer.headers.get('retry-after');
  const reported = fromDocument(content, retryAfter === null ? undefined : Number(retryAfter));
  throw reported ?? new Error(`${method} ${path} answered ${answer.status}: ${text.slice(0, 200)}`);
}

/** Minimum number of characters in a chunk but the last, because one chunk per line would be expensive. */
const blockSize = 16_384;

function* inBlocks(lines: Iterable<string>): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  let block = '';
  for (const line of lines) {
    block += line;
    if (block.length < blockSize) continue;
    yield encoder.encode(block);
    block = '';
  }
  yield encoder.encode(block);
}

/** Runs `work` for each item, at most `limit` at a time. The results have the order of the items. */
export async function inParallel<T, R>(
  items: T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const entries = items.entries();
  const worker = async () => {
    for (const [index, item] of entries) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: limit }, worker));
  return results;
}
