import { trace } from '@opentelemetry/api';
import { type Logger, type LoggerOptions, pino } from 'pino';
import { currentContext } from '../core/request-context.ts';
import { createLogLevel, type LogLevel } from './log-level.ts';

export type { Logger };

/** Where log lines go. `flush` is called when they must not be held back any longer. */
export type LogDestination = { write(line: string): void; flush?(): void };

/** Fields that are never written, wherever an object that holds one is logged. */
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

/** Bytes, and milliseconds, that the lines of requests are held back at most, to be written together. */
const heldBytes = 4_096;
const heldMs = 100;

/**
 * The JSON logs of a service, on one destination: `log` for whatever happens, with the trace and correlation id
 * of the request it happens in, and `requests` for the one line of each request. The latter has only known
 * fields: leaving the redaction out makes a line six times as cheap. `level` changes both while the service runs.
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

/** Written by this process, not by a worker: what is flushed is out, also before an exit. */
function standardOutput(): LogDestination {
  return pino.destination({ fd: 1, sync: true, minLength: heldBytes, periodicFlush: heldMs });
}

/** Takes the lines of requests that are held back along, so that the order stays. */
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

/** RFC 3339 in UTC. Formatting costs a third of a line, so what stays the same for a second is kept. */
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
