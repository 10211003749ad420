import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { bearerTokenOf } from '../http/bearer.ts';
import { isSameSecret } from '../http/secret.ts';
import type { Logger } from '../telemetry/log.ts';
import type { LogLevel } from '../telemetry/log-level.ts';

/** Maximum size of a body in bytes; a usual one has about fifty. */
const maxBody = 1_024;

type Answer = { status: number; body: object };

/**
 * Answers `GET /log-level` with the level, and changes it for a while at `PUT /log-level` with
 * `{"level":"debug","forSeconds":60}` and the operator's token. A service without a token does not change it.
 */
export async function answerLogLevel(
  { method, headers }: Pick<IncomingMessage, 'method' | 'headers'>,
  body: AsyncIterable<Buffer>,
  { logLevel, log, token }: { logLevel: LogLevel; log: Logger; token?: string },
): Promise<Answer> {
  if (method === 'GET') return { status: 200, body: logLevel.get() };
  if (method !== 'PUT') return { status: 405, body: { error: 'Only GET and PUT are allowed' } };
  const rejection = reject(headers, token);
  if (rejection) return rejection;
  if (headers['content-type'] !== 'application/json') {
    return { status: 415, body: { error: 'The content-type must be application/json' } };
  }
  try {
    logLevel.set(JSON.parse(await textOf(body)));
  } catch (error) {
    return { status: 400, body: { error: (error as Error).message } };
  }
  const changed = logLevel.get();
  // A warning, so that it is logged at most levels: the log must show why it changes.
  log.warn(changed, 'log level changed');
  return { status: 200, body: changed };
}

function reject(headers: IncomingHttpHeaders, token: string | undefined): Answer | undefined {
  if (!token)
    return { status: 403, body: { error: 'The level can be changed only where MANAGEMENT_TOKEN is set' } };
  if (isSameSecret(bearerTokenOf(headers) ?? '', token)) return undefined;
  return { status: 401, body: { error: 'The header Authorization: Bearer <MANAGEMENT_TOKEN> is needed' } };
}

async function textOf(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBody) throw new RangeError(`The body must not exceed ${maxBody} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
