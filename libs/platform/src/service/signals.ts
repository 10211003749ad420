import { constants } from 'node:os';

const stopSignals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Milliseconds within which a second SIGINT is the same Ctrl-C, which the terminal and npm both send. */
const sameKeyPress = 100;

/**
 * Calls `stop` at the first request to stop: a signal, or the end of a parent with an IPC channel to this process. Calls
 * `exit` at the second signal, with the exit code 128 + the signal's number.
 *
 * @example
 * onStopSignal(process, (reason) => server.close(), (code) => process.exit(code));
 */
export function onStopSignal(
  process: NodeJS.Process,
  stop: (reason: string) => void,
  exit: (exitCode: number) => void,
): void {
  let stoppedAt: number | undefined;
  const onRequest = (reason: NodeJS.Signals | 'disconnect') => {
    const now = performance.now();
    if (stoppedAt === undefined) {
      stoppedAt = now;
      stop(reason);
    } else if (reason !== 'disconnect' && !(reason === 'SIGINT' && now - stoppedAt < sameKeyPress)) {
      exit(128 + constants.signals[reason]);
    }
  };
  for (const signal of stopSignals) process.on(signal, onRequest);
  if (process.connected) process.once('disconnect', () => onRequest('disconnect'));
}
