/** How often the parent is looked at; milliseconds. */
const parentInterval = 200;

/**
 * Makes the end of npm a request to stop. npm passes SIGTERM to the shell in which it runs this process, and a shell
 * that ends by a signal takes nobody along.
 *
 * @returns the function that ends the watch
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
