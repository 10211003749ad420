import { trace } from '@opentelemetry/api';
import { type Logger, type LoggerOptions, pino } from 'pino';
import { currentContext } from '../core/request-context.ts';
import { createLogLevel, type LogLevel } from './log-level.ts';

export type { Logger };

/** The destination of log lines. `flush` writes all buffered lines immediately. */
export type LogDestination = { write(line: string): void; flush?(): void };

/** Fields that `log` masks, in an object and in two levels of objects in it. */
const secretFields = [
  'password',
  'token',
  'accessToken',
  'refreshToken',
  'secret',
  'authorization',
  'cookie',
  'email',
];

/**
 * Request lines are buffered and written together, when they have this size in bytes or after this many milliseconds.
 */
const heldBytes = 12_288;
const heldMs = 100;

/**
 * Creates the JSON loggers of a service, with one destination: `log` for all messages, with the trace id and
 * correlation id of the current request; and `requests` for the one line of each request. Request lines have only known
 * fields and need no redaction, so they cost a sixth. `level` changes the level of both while the
 * service runs.
 */
export function createLogs(
  service: string,
  level: string,
  destination: LogDestination = standardOutput(),
): { log: Logger; requests: Logger; level: LogLevel } {
  const options: LoggerOptions = {
    level,
    base: { service },
    timestamp: () => `,"time":"${timestamp(Date.now())}"`,
    formatters: { level: (label) => ({ level: label }) },
  };
  const redact = { paths: secretFields.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '***' };
  const log = pino({ ...options, mixin: requestIds, redact }, writtenAtOnce(destination));
  const requests = pino(options, destination);
  return { log, requests, level: createLogLevel([log, requests], level) };
}

/** Writes in this process, not in a worker, so that a flush also works directly before an exit. */
function standardOutput(): LogDestination {
  return pino.destination({ fd: 1, sync: true, minLength: heldBytes, periodicFlush: heldMs });
}

/** Writes each line immediately, after the buffered request lines, so that all stay in order. */
function writtenAtOnce(destination: LogDestination): LogDestination {
  return {
    write(line) {
      destination.write(line);
      destination.flush?.();
    },
  };
}

let second = Number.NaN;
let upToSecond = '';

/**
 * Formats a time as RFC 3339 in UTC. Formatting takes a third of the time of a log line, so everything except the
 * milliseconds is cached for one second.
 */
export function timestamp(now: number): string {
  const ms = now % 1_000;
  if (now - ms !== second) {
    second = now - ms;
    upToSecond = new Date(second).toISOString().slice(0, -4);
  }
  return `${upToSecond}${String(ms).padStart(3, '0')}Z`;
}

function requestIds() {
  const request = currentContext();
  if (!request) return {};
  return { correlationId: request.correlationId, traceId: trace.getActiveSpan()?.spanContext().traceId };
}
