export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

export type LogLevelName = (typeof logLevels)[number];

/** The longest time that another level stays; a forgotten `debug` fills disks. Seconds. */
const longest = 3_600;
const usual = 600;

export type LogLevel = ReturnType<typeof createLogLevel>;

/**
 * Makes the level of some loggers changeable while the service runs. A change ends by itself: what the settings say
 * stays true of a service that was left alone for an hour.
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
    /** The present level, the one of the settings, and when the former ends (RFC 3339) if they differ. */
    get: () => ({
      level: loggers[0]?.level ?? configured,
      configured,
      ...(until !== undefined && { until: new Date(until).toISOString() }),
    }),

    /** @throws {RangeError} saying what is wrong with the wish. */
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
  const { level, forSeconds = usual } = (wish ?? {}) as { level?: unknown; forSeconds?: unknown };
  const known = logLevels.find((each) => each === level);
  if (!known) throw new RangeError(`level must be one of ${logLevels.join(', ')}`);
  if (typeof forSeconds !== 'number' || !(forSeconds > 0 && forSeconds <= longest)) {
    throw new RangeError(`forSeconds must be a number up to ${longest}`);
  }
  return { level: known, seconds: forSeconds };
}
