import { setTimeout as wait } from 'node:timers/promises';
import type { LocalService } from './local-service.ts';
import { answers, type Replica, startReplica } from './replica.ts';

/** Milliseconds between two probes of a replica. In a cluster this is `periodSeconds`, often 5 s. */
const probePeriod = 100;

/** Milliseconds until the Service learns that a replica stops. In a cluster this can take seconds. */
const propagation = 200;

/** Milliseconds that a replica has to end after SIGTERM, before it is killed. In a cluster, 30 s by default. */
const gracePeriod = 3_000;

type Probe = 'none' | { port: 'port' | 'management'; path: string };

export type DeploymentOptions = {
  main: URL;
  /** Receives the port of each replica that becomes ready or stops. */
  service: Pick<LocalService, 'add' | 'remove'>;
  replicas: number;
  /** How the deployment learns whether a replica is ready; without a probe, a replica counts as ready at once. */
  probe?: Probe;
  env?: Record<string, string>;
};

/** Replicas of one program behind a Service, as a Deployment of Kubernetes keeps them. */
export type Deployment = {
  replicas: readonly Replica[];
  /** Starts one more replica. Resolves when it is ready. */
  grow(): Promise<void>;
  /** Stops the oldest replica by SIGTERM. Resolves with its exit code or signal when it has ended. */
  shrink(): Promise<number | string>;
};

/** Starts a deployment. Resolves when all replicas are ready. */
export async function startDeployment(options: DeploymentOptions): Promise<Deployment> {
  const { main, service, probe = 'none', env } = options;
  const replicas: Replica[] = [];

  async function grow(): Promise<void> {
    const replica = await startReplica(main, env);
    replicas.push(replica);
    await untilReady(replica, probe);
    service.add(replica.port);
  }
  async function shrink(): Promise<number | string> {
    const replica = replicas.shift();
    if (!replica) throw new Error('There is no replica to stop');
    // The signal and the message to the Service leave at the same time, and the message is slower.
    replica.stop('SIGTERM');
    const kill = setTimeout(() => replica.stop('SIGKILL'), gracePeriod);
    await wait(propagation);
    service.remove(replica.port);
    const exit = await replica.exited;
    clearTimeout(kill);
    return exit;
  }
  while (replicas.length < options.replicas) await grow();
  return { replicas, grow, shrink };
}

async function untilReady(replica: Replica, probe: Probe): Promise<void> {
  if (probe === 'none') return;
  let exit: number | string | undefined;
  replica.exited.then((code) => {
    exit = code;
  });
  while (!(await answers(replica[probe.port], probe.path))) {
    if (exit !== undefined) throw new Error(`A replica ended before it was ready (${exit})`);
    await wait(probePeriod);
  }
}
