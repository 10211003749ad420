import type { IncomingMessage } from 'node:http';
import type { Logger } from '../telemetry/log.ts';
import type { LogLevel } from '../telemetry/log-level.ts';

/** Bytes; a wish for a level has some fifty. */
const maxBody = 1_024;

type Answer = { status: number; body: object };

/**
 * `GET /log-level` tells the level; `PUT /log-level` with `{"level":"debug","forSeconds":60}` changes it for a while.
 * Only as JSON, which no page in a browser may send to another origin without being asked first.
 */
export async function answerLogLevel(
  { method, headers }: Pick<IncomingMessage, 'method' | 'headers'>,
  body: AsyncIterable<Buffer>,
  { logLevel, log }: { logLevel: LogLevel; log: Logger },
): Promise<Answer> {
  if (method === 'GET') return { status: 200, body: logLevel.get() };
  if (method !== 'PUT') return { status: 405, body: { error: 'There is GET and PUT' } };
  if (headers['content-type'] !== 'application/json') {
    return { status: 415, body: { error: 'The content-type must be application/json' } };
  }
  try {
    logLevel.set(JSON.parse(await textOf(body)));
  } catch (error) {
    return { status: 400, body: { error: (error as Error).message } };
  }
  const changed = logLevel.get();
  // As a warning, so that it is seen at most levels: whoever reads the log must know why it changes.
  log.warn(changed, 'log level changed');
  return { status: 200, body: changed };
}

async function textOf(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBody) throw new RangeError(`The body must not have more than ${maxBody} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
