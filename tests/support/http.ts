import type { Input, Operation, Output } from '@slipway/contract-kit/operation';

export type Answer<Body> = { status: number; headers: Headers; body: Body };

type Options = { token?: string; key?: string };

/**
 * Sends one request to an operation without retries, as a client would.
 *
 * @example
 * const { status, body } = await send(base, getMe, {}, { token });
 */
export async function send<Op extends Operation>(
  base: string,
  operation: Op,
  input: Omit<Input<Op>, 'headers'> & { headers?: Record<string, string> },
  { token, key }: Options = {},
): Promise<Answer<Output<Op>>> {
  const { params, query, body, headers } = input as LooseInput;
  const answer = await fetch(base + pathOf(operation.url, params, query), {
    method: operation.method,
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(token && { authorization: `Bearer ${token}` }),
      ...(key && { 'idempotency-key': key }),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(20_000),
  });
  const text = await answer.text();
  const isJson = /json/.test(answer.headers.get('content-type') ?? '') && text !== '';
  return {
    status: answer.status,
    headers: answer.headers,
    body: (isJson ? JSON.parse(text) : text) as Output<Op>,
  };
}

type LooseInput = {
  params?: Record<string, unknown>;
  query?: Record<string, unknown>;
  body?: unknown;
  headers?: Record<string, string>;
};

function pathOf(
  url: string,
  params: Record<string, unknown> = {},
  query: Record<string, unknown> = {},
): string {
  const path = url.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(params[name])));
  const search = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  return search.size > 0 ? `${path}?${search}` : path;
}

/** Like `send`, but fails the test with the response body unless the request succeeds. */
export async function ok<Op extends Operation>(...args: Parameters<typeof send<Op>>): Promise<Output<Op>> {
  const { status, body } = await send<Op>(...args);
  if (status >= 300) {
    throw new Error(`${args[1].method} ${args[1].url} answered ${status}: ${JSON.stringify(body)}`);
  }
  return body;
}

/** Streams lines to an NDJSON operation, so that the body is never completely in memory. */
export async function sendLines<Op extends Operation>(
  base: string,
  operation: Op,
  lines: Iterable<string> | AsyncIterable<string>,
  token: string,
): Promise<Answer<Output<Op>>> {
  const answer = await fetch(base + operation.url, {
    method: operation.method,
    headers: { 'content-type': 'application/x-ndjson', authorization: `Bearer ${token}` },
    body: ReadableStream.from(lines).pipeThrough(new TextEncoderStream()),
    duplex: 'half',
    signal: AbortSignal.timeout(120_000),
  });
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Output<Op> };
}
