import { setTimeout as wait } from 'node:timers/promises';
import { type Deployment, type DeploymentOptions, startDeployment } from './deployment.ts';
import { type Outcomes, startLoad } from './load.ts';
import { openService } from './local-service.ts';
import { untilAnswers } from './replica.ts';

type RolloutOptions = Pick<DeploymentOptions, 'main' | 'probe' | 'env'>;

/** The outcomes of the requests, and the exit codes or signals of the replaced processes. */
export type Rollout = { outcomes: Outcomes; exits: (number | string)[] };

/** Requests per second. */
const rate = 100;

/**
 * Replaces two replicas under load, one after the other, as a rolling update does: a new replica starts, and when it is
 * ready, an old one is stopped.
 */
export async function rollout(options: RolloutOptions): Promise<Rollout> {
  const service = await openService();
  const deployment = await startDeployment({ ...options, service, replicas: 2 });
  await Promise.all(deployment.replicas.map(({ port }) => untilAnswers(port)));
  const load = startLoad(service.port, rate);
  await wait(500);
  const exits = [await replaceOldest(deployment), await replaceOldest(deployment)];
  await wait(500);
  const outcomes = await load.stop();
  service.close();
  for (const replica of deployment.replicas) replica.stop('SIGKILL');
  return { outcomes, exits };
}

async function replaceOldest({ grow, shrink }: Deployment): Promise<number | string> {
  await grow();
  return shrink();
}
