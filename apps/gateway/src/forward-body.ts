import type { IncomingMessage } from 'node:http';
import { type Readable, Transform } from 'node:stream';
import { problem } from '@slipway/contracts/errors';
import type { Cancellation } from '@slipway/platform/calls/cancellation';

/** Maximum size of a body that is read before it is forwarded; bytes. A stream would buffer as much. */
const smallBody = 16_384;

/**
 * Returns the body of a request: a small one as a whole, so that it can be sent again, and a larger one as a stream.
 *
 * @throws {Problem} payload_too_large, if `Content-Length` or the part that is read here exceeds the limit.
 */
export async function bodyOf(raw: IncomingMessage, { limit, isStreamed, call }: BodyOptions) {
  const contentLength = Number(raw.headers['content-length']);
  if (contentLength > limit) throw tooLarge(limit);
  const mayBeSmall = contentLength <= smallBody || !isStreamed;
  return (mayBeSmall ? await smallBodyOf(raw, limit) : undefined) ?? limited(raw, limit, call);
}

type BodyOptions = {
  /** Maximum size; bytes. */
  limit: number;
  /** Whether the service handles the body while it arrives. */
  isStreamed: boolean;
  /** Aborted if a streamed body exceeds the limit. */
  call: Cancellation;
};

/** Returns the body if it is small. Otherwise puts back what it has read, and returns `undefined`. */
async function smallBodyOf(raw: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > limit) throw tooLarge(limit);
    if (bytes <= smallBody) continue;
    raw.unshift(Buffer.concat(chunks));
    return undefined;
  }
  return Buffer.concat(chunks);
}

const tooLarge = (limit: number) =>
  problem('payload_too_large', `The body must not be larger than ${limit} bytes`);

/**
 * Returns the request's body as a stream that aborts the call beyond the limit. If the call ends before the body, this
 * stream is destroyed instead of the client's connection, which is still needed for the response.
 */
function limited(raw: IncomingMessage, limit: number, call: Cancellation): Readable {
  let bytes = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > limit) call.abort(tooLarge(limit));
      else done(null, chunk);
    },
  });
  return raw.pipe(counted);
}
