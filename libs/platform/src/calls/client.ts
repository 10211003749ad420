import type { Readable } from 'node:stream';
import type { Input, Operation, Output } from '@slipway/contract-kit/operation';
import { fromDocument, type PlatformProblem, type Problem, problem } from '@slipway/contract-kit/problem';
import { sourceFile } from '../telemetry/source-file.ts';
import type { UpstreamRequest, UpstreamResponse } from './call.ts';
import { retryAfterOf } from './retry.ts';
import type { Upstream } from './upstream.ts';

type CallOptions = {
  /** Aborts the call. */
  signal?: AbortSignal;
};

/** An operation as a function; its input is optional if nothing in it is required. */
type Call<Op extends Operation> =
  Record<never, never> extends Input<Op>
    ? (input?: Input<Op>, options?: CallOptions) => Promise<Output<Op>>
    : (input: Input<Op>, options?: CallOptions) => Promise<Output<Op>>;

export type Client<Operations extends Record<string, Operation>> = {
  [Name in keyof Operations]: Call<Operations[Name]>;
};

type ClientOptions = {
  /** Maximum size of a response that is read into memory; bytes. */
  maxBytes?: number;
};

/** The input of any operation, at run time. */
type AnyInput = {
  params?: Record<string, unknown>;
  query?: Record<string, unknown>;
  body?: unknown;
  headers?: Record<string, string>;
};

/**
 * Makes a client with a function for each operation of a service, typed by its contract.
 *
 * A call resolves with the body of a successful response (`undefined` for 204). It rejects with the upstream's own
 * problem, or with a code of docs/calls.md, "How it fails".
 *
 * @example
 * const users = createClient(context.upstream('users', settings.USERS_URL), { getMe, signUp });
 * const me = await users.getMe({ headers: { authorization } });
 */
export function createClient<Operations extends Record<string, Operation>>(
  upstream: Upstream,
  operations: Operations,
  { maxBytes = 10 * 1_048_576 }: ClientOptions = {},
): Client<Operations> {
  const file = sourceFile(createClient);
  const calls = Object.entries(operations).map(([name, operation]) => {
    const call = async (input: AnyInput = {}, { signal }: CallOptions = {}) => {
      const request = { ...toRequest(operation, input), signal, file };
      const answer = await upstream.exchange(request, (response) =>
        readAnswer(upstream.name, response, maxBytes),
      );
      if (answer.status >= 400) throw toProblem(upstream.name, answer);
      return answer.body;
    };
    return [name, call];
  });
  return Object.fromEntries(calls) as Client<Operations>;
}

function toRequest({ method, url, schema, config }: Operation, input: AnyInput): UpstreamRequest {
  return {
    method,
    path: toPath(url, input.params) + toQuery(input.query),
    headers: {
      accept: 'application/json',
      ...(input.body !== undefined && { 'content-type': schema.consumes?.[0] ?? 'application/json' }),
      ...input.headers,
    },
    body: toBody(input.body, schema.consumes),
    timeoutMs: config.timeoutMs,
    operation: schema.operationId,
  };
}

function toPath(url: string, params: Record<string, unknown> = {}): string {
  return url.replace(/:(\w+)/g, (_, name: string) => {
    const value = String(params[name] ?? '');
    if (/^\.{0,2}$/.test(value)) throw new TypeError(`${url} cannot have '${value}' as its ${name}`);
    return encodeURIComponent(value);
  });
}

/** Repeats the name for each item of an array: `{ tag: ['a', 'b'] }` becomes `?tag=a&tag=b`. */
function toQuery(query: Record<string, unknown> = {}): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    [value ?? []].flat().map((each) => [name, String(each)]),
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}

function toBody(body: unknown, consumes?: readonly string[]): string | Readable | undefined {
  if (body === undefined) return undefined;
  return consumes ? (body as string | Readable) : JSON.stringify(body);
}

type Answer = { status: number; retryAfter?: number; body: unknown };

async function readAnswer(service: string, response: UpstreamResponse, maxBytes: number): Promise<Answer> {
  const { statusCode: status, headers } = response;
  const after = retryAfterOf(headers['retry-after']);
  const text = await response.body.text({
    bytes: maxBytes,
    error: () => problem('upstream_failed', `The response of ${service} has more than ${maxBytes} bytes`),
  });
  const body = toJson(text);
  if (body === notJson && status < 400) {
    throw problem('upstream_failed', `The response of ${service} is not JSON`);
  }
  return { status, retryAfter: after === undefined ? undefined : after / 1_000, body };
}

const notJson = Symbol('not JSON');

/** Parses JSON; an empty text, such as the body of a 204, is `undefined`. */
function toJson(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return notJson;
  }
}

const codes: Record<number, PlatformProblem> = { 503: 'unavailable', 504: 'deadline_exceeded' };

/** Returns the problem in the response, or one for its bare status: a proxy on the way knows no codes. */
function toProblem(service: string, { status, retryAfter, body }: Answer): Problem {
  const received = fromDocument(body, retryAfter);
  if (received?.status === status) return received;
  const code = codes[status] ?? 'upstream_failed';
  return problem(code, `${service} returned the status ${status}`, { retryAfter });
}
