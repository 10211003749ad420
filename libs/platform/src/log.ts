import { type Logger, type LoggerOptions, pino } from 'pino';
import { currentContext } from './request-context.ts';

export type { Logger };

/** Fields that are never written, wherever an object that holds one is logged. */
const secretFields = ['password', 'token', 'accessToken', 'refreshToken', 'authorization', 'cookie', 'email'];

/** The JSON logger of a service: one line an event, with the trace and correlation id of its request. */
export function createLog(
  service: string,
  level: string,
  destination?: { write(line: string): void },
): Logger {
  const options: LoggerOptions = {
    level,
    base: { service },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
    mixin: requestIds,
    redact: { paths: secretFields.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '***' },
  };
  return destination ? pino(options, destination) : pino(options);
}

function requestIds() {
  const context = currentContext();
  return context ? { correlationId: context.correlationId, traceId: context.traceId } : {};
}
