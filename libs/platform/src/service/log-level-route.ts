import type { Logger } from '../telemetry/log.ts';
import type { LogLevel } from '../telemetry/log-level.ts';
import {
  type Answer,
  type OperatorRequest,
  readJson,
  rejectOthers,
  rejectOtherTypes,
} from './operator-request.ts';

/**
 * Answers `GET /log-level` with the level, and changes it for a while at `PUT /log-level` with
 * `{"level":"debug","forSeconds":60}` and the operator's token. A service without a token does not change it.
 */
export async function answerLogLevel(
  { method, headers }: OperatorRequest,
  body: AsyncIterable<Buffer>,
  { logLevel, log, token }: { logLevel: LogLevel; log: Logger; token?: string },
): Promise<Answer> {
  if (method === 'GET') return { status: 200, body: logLevel.get() };
  if (method !== 'PUT') return { status: 405, body: { error: 'Only GET and PUT are allowed' } };
  if (!token)
    return { status: 403, body: { error: 'The level can be changed only where MANAGEMENT_TOKEN is set' } };
  const rejection = rejectOthers(headers, token, 'MANAGEMENT_TOKEN') ?? rejectOtherTypes(headers);
  if (rejection) return rejection;
  try {
    logLevel.set(await readJson(body));
  } catch (error) {
    return { status: 400, body: { error: (error as Error).message } };
  }
  const changed = logLevel.get();
  // A warning, so that it is logged at most levels: the log must show why it changes.
  log.warn(changed, 'log level changed');
  return { status: 200, body: changed };
}
