import type { Readable } from 'node:stream';
import { fromDocument, problem } from './errors.ts';
import type { Input, Operation, Output } from './operation.ts';
import type { Upstream, UpstreamRequest, UpstreamResponse } from './upstream.ts';

/** The operation as a function: its input may be left out where nothing in it is required. */
type Call<Op extends Operation> =
  Record<never, never> extends Input<Op>
    ? (input?: Input<Op>) => Promise<Output<Op>>
    : (input: Input<Op>) => Promise<Output<Op>>;

export type Client<Operations extends Record<string, Operation>> = {
  [Name in keyof Operations]: Call<Operations[Name]>;
};

type ClientOptions = {
  /** Largest answer that is read into memory; bytes. */
  maxBytes?: number;
};

/** What any operation's input looks like once its types have done their work. */
type AnyInput = {
  params?: Record<string, unknown>;
  query?: Record<string, unknown>;
  body?: unknown;
  headers?: Record<string, string>;
};

/**
 * Makes a function of each operation of a service, typed by its contract.
 *
 * A call resolves with the body of a success (`undefined` for 204).
 *
 * @throws {Problem} the upstream's own problem with its code; else `upstream_failed`, `unavailable` or
 * `deadline_exceeded`.
 * @example
 * const users = createClient(context.upstream('users', settings.USERS_URL), { getMe, signUp });
 * const me = await users.getMe({ headers: { authorization } });
 */
export function createClient<Operations extends Record<string, Operation>>(
  upstream: Upstream,
  operations: Operations,
  { maxBytes = 10 * 1_048_576 }: ClientOptions = {},
): Client<Operations> {
  const calls = Object.entries(operations).map(([name, operation]) => {
    const call = async (input: AnyInput = {}) =>
      readAnswer(upstream.name, await upstream.request(toRequest(operation, input)), maxBytes);
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
    const value = params[name];
    if (value === undefined || value === '') throw new TypeError(`${url} needs a value for ${name}`);
    return encodeURIComponent(String(value));
  });
}

/** An array is repeated: `{ tag: ['a', 'b'] }` is `?tag=a&tag=b`. */
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

async function readAnswer(name: string, { statusCode, headers, body }: UpstreamResponse, maxBytes: number) {
  const answer = await readJson(name, body, maxBytes);
  if (statusCode < 400) return answer;
  const after = Number(headers['retry-after']);
  throw (
    fromDocument(answer, Number.isFinite(after) ? after : undefined) ??
    problem('upstream_failed', `${name} answered with status ${statusCode}`)
  );
}

async function readJson(name: string, body: AsyncIterable<Buffer>, maxBytes: number): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBytes)
      throw problem('upstream_failed', `${name} answered with more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  if (bytes === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch (error) {
    throw problem('upstream_failed', `${name} answered with something that is not JSON`, { cause: error });
  }
}
