import { setTimeout as wait } from 'node:timers/promises';
import { countsIn } from '../06-measure/alert.ts';
import type { Deployment } from '../support/deployment.ts';

/** Requests per second for which one replica is meant. */
const target = 10;
const max = 4;
/** Milliseconds between two decisions. A HorizontalPodAutoscaler decides every 15 s. */
const period = 1_000;

/** The rule of a HorizontalPodAutoscaler: as many replicas as bring the metric to its target. */
export function desiredReplicas(requestsPerSecond: number): number {
  return Math.min(Math.max(Math.ceil(requestsPerSecond / target), 1), max);
}

/** Returns the requests that the replicas have served since their start. */
async function served({ replicas }: Deployment): Promise<number> {
  const counts = replicas.map(async ({ management }) => {
    const response = await fetch(`http://127.0.0.1:${management}/metrics`);
    return countsIn(await response.text()).all;
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

/** Keeps the number of replicas in step with the load, until `signal` aborts. */
export async function autoscale(deployment: Deployment, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const [before, startedAt] = [await served(deployment), performance.now()];
    await wait(period);
    const rate = ((await served(deployment)) - before) / ((performance.now() - startedAt) / 1_000);
    const missing = desiredReplicas(rate) - deployment.replicas.length;
    for (let added = 0; added < missing; added += 1) await deployment.grow();
    for (let removed = 0; removed > missing; removed -= 1) await deployment.shrink();
  }
}
