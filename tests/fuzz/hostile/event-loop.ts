/** Milliseconds for which the event loop of a service may stand, whatever it is sent. */
export const maxDelay = 100;

/**
 * Reads the longest delay of a service's event loop since the last reading, as the process itself has measured it;
 * milliseconds.
 *
 * @param management address of the service's management listener
 */
export async function readDelay(management: string): Promise<number> {
  const answer = await fetch(`${management}/metrics`);
  const [, seconds] =
    /^nodejs_eventloop_lag_max_seconds(?:\{[^}]*\})? (\S+)$/m.exec(await answer.text()) ?? [];
  if (seconds === undefined) throw new Error(`${management}/metrics shows no delay of the event loop`);
  return Number(seconds) * 1_000;
}
