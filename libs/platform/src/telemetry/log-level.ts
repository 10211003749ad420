export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

export type LogLevelName = (typeof logLevels)[number];

/** Maximum duration of a changed level in seconds: a forgotten `debug` would fill disks. */
const maxSeconds = 3_600;
const defaultSeconds = 600;

export type LogLevel = ReturnType<typeof createLogLevel>;

/**
 * Makes the level of some loggers changeable while the service runs. Every change expires, after an hour at most. Then
 * the level in the settings applies again.
 */
export function createLogLevel(loggers: { level: string }[], configured: string) {
  let until: number | undefined;
  let timer: NodeJS.Timeout | undefined;

  function apply(level: string): void {
    for (const logger of loggers) logger.level = level;
  }

  function revert(): void {
    until = undefined;
    clearTimeout(timer);
    apply(configured);
  }

  return {
    /** Returns the current level, the level in the settings and, if they differ, when the change expires (RFC 3339). */
    get: () => ({
      level: loggers[0]?.level ?? configured,
      configured,
      ...(until !== undefined && { until: new Date(until).toISOString() }),
    }),

    /** @throws {RangeError} if the requested level or duration is invalid; the message says why */
    set(wish: unknown): void {
      const { level, seconds } = checked(wish);
      revert();
      if (level === configured) return;
      apply(level);
      until = Date.now() + seconds * 1_000;
      timer = setTimeout(revert, seconds * 1_000).unref();
    },
  };
}

function checked(wish: unknown): { level: LogLevelName; seconds: number } {
  const { level, forSeconds = defaultSeconds } = (wish ?? {}) as { level?: unknown; forSeconds?: unknown };
  const known = logLevels.find((each) => each === level);
  if (!known) throw new RangeError(`level must be one of ${logLevels.join(', ')}`);
  if (typeof forSeconds !== 'number' || !(forSeconds > 0 && forSeconds <= maxSeconds)) {
    throw new RangeError(`forSeconds must be a number above 0, up to ${maxSeconds}`);
  }
  return { level: known, seconds: forSeconds };
}
