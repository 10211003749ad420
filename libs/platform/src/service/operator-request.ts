import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { bearerTokenOf } from '../http/bearer.ts';
import { isSameSecret } from '../http/secret.ts';

/** Maximum size of a body in bytes; a usual one has about fifty. */
const maxBody = 1_024;

export type Answer = { status: number; body: object };

/** The parts of a request that an operator's route reads. */
export type OperatorRequest = Pick<IncomingMessage, 'method' | 'headers'>;

/** Rejects a request without the operator's token; `undefined` if it has the token. */
export function rejectOthers(
  headers: IncomingHttpHeaders,
  token: string,
  setting: string,
): Answer | undefined {
  if (isSameSecret(bearerTokenOf(headers) ?? '', token)) return undefined;
  return { status: 401, body: { error: `The header Authorization: Bearer <${setting}> is needed` } };
}

/** Rejects a body of another type than JSON, as a form of a web page sends it. */
export function rejectOtherTypes(headers: IncomingHttpHeaders): Answer | undefined {
  if (headers['content-type'] === 'application/json') return undefined;
  return { status: 415, body: { error: 'The content-type must be application/json' } };
}

/** @throws if the body is too long or no JSON */
export async function readJson(body: AsyncIterable<Buffer>): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBody) throw new RangeError(`The body must not exceed ${maxBody} bytes`);
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString());
}
