/** Maximum delay of a service's event loop, whatever the service receives; milliseconds. */
export const maxDelay = 100;

type Reading = { delay: number; cpu: number };

/**
 * Reads what a process has measured itself: the longest delay of its event loop since the last reading, and the CPU time
 * that it has used since its start; milliseconds.
 *
 * @param management address of the management listener of the service
 */
async function read(management: string): Promise<Reading> {
  const text = await fetch(`${management}/metrics`).then((response) => response.text());
  const seconds = (metric: string) => {
    const [, value] = new RegExp(`^${metric}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text) ?? [];
    if (value === undefined) throw new Error(`${management}/metrics has no ${metric}`);
    return Number(value);
  };
  return {
    delay: seconds('nodejs_eventloop_lag_max_seconds') * 1_000,
    cpu: seconds('process_cpu_seconds_total') * 1_000,
  };
}

/**
 * Measures the longest delay that some work causes to the event loops of services. A delay that is longer than the CPU
 * time that the process has used meanwhile was caused by other processes of the machine.
 */
export async function measureDelay(managements: string[], work: () => Promise<void>): Promise<number> {
  const before = await Promise.all(managements.map(read));
  await work();
  const after = await Promise.all(managements.map(read));
  return Math.max(...after.map(({ delay, cpu }, n) => Math.min(delay, cpu - (before[n]?.cpu ?? 0))));
}
