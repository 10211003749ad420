/** Interval at which the parent process is checked; milliseconds. */
const parentInterval = 200;

/**
 * Sends SIGTERM to this process when npm ends. npm forwards SIGTERM only to the shell in which it runs this process,
 * and a shell that is ended by a signal does not forward it.
 *
 * @returns a function that stops the check
 */
export function stopWithNpm(process: NodeJS.Process): () => void {
  const shell = process.ppid;
  const check = () => {
    if (process.ppid === shell) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  };
  const timer = process.env.npm_lifecycle_event ? setInterval(check, parentInterval).unref() : undefined;
  return () => clearInterval(timer);
}
