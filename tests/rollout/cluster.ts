import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type ServiceName, serviceNames } from '../../scripts/system.ts';
import { kubectl, namespace, readJson } from '../support/kubectl.ts';
import { eventually } from '../support/people.ts';

export type Pod = { name: string; ready: boolean; leaving: boolean; restarts: number };

type PodList = {
  items: {
    metadata: { name: string; labels: Record<string, string>; deletionTimestamp?: string };
    status: {
      conditions?: { type: string; status: string }[];
      containerStatuses?: { restartCount: number; containerID?: string }[];
    };
  }[];
};

/** Reads the pods of all services at once: each kubectl takes 100 ms of a processor that the cluster needs as well. */
async function readPods(): Promise<Record<ServiceName, Pod[]>> {
  const { items } = await readJson<PodList>(
    'get',
    'pods',
    '--selector',
    'app.kubernetes.io/component=service',
  );
  const found = items.map(({ metadata, status }) => ({
    service: metadata.labels['app.kubernetes.io/name'],
    pod: {
      name: metadata.name,
      ready: status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false,
      leaving: metadata.deletionTimestamp !== undefined,
      restarts: status.containerStatuses?.[0]?.restartCount ?? 0,
    },
  }));
  const of = (service: ServiceName) => found.filter((each) => each.service === service).map(({ pod }) => pod);
  return Object.fromEntries(serviceNames.map((service) => [service, of(service)])) as Record<
    ServiceName,
    Pod[]
  >;
}

export async function podsOf(service: ServiceName): Promise<Pod[]> {
  return (await readPods())[service];
}

/** A pod that serves. @throws if there is none */
export async function anyPodOf(service: ServiceName): Promise<Pod> {
  const pod = (await podsOf(service)).find(({ ready, leaving }) => ready && !leaving);
  if (!pod) throw new Error(`No pod of ${service} is ready`);
  return pod;
}

/** Poll interval of the pods: each poll takes CPU from the system; milliseconds. */
export const pollInterval = 4_000;

/** Waits until a service has so many pods, all of them ready, and those that were leaving have left. */
export async function calm(service: ServiceName, replicas = 2): Promise<Pod[]> {
  return (await allCalm([service], replicas))[service];
}

/** Waits, as `calm` does, for several services. */
export function allCalm(some: readonly ServiceName[] = serviceNames, replicas = 2) {
  const isCalm = (pods: Pod[]) =>
    pods.length === replicas && pods.every(({ ready, leaving }) => ready && !leaving);
  const settled = async () => {
    const pods = await readPods();
    return some.every((service) => isCalm(pods[service])) && pods;
  };
  return eventually(`${some} have ${replicas} pods each, all ready`, settled, 180_000, pollInterval);
}

/** Waits until a Deployment has rolled out; the old pods may still be draining. */
async function rolledOut(service: ServiceName): Promise<void> {
  await kubectl('rollout', 'status', `deployment/${service}`, '--timeout=200s');
}

export async function restart(service: ServiceName): Promise<void> {
  await kubectl('rollout', 'restart', `deployment/${service}`);
  await rolledOut(service);
}

/**
 * Has the autoscaler keep so many pods, whatever the load. It is not left out: it would be one that a rollout has to
 * get along with; but the start of a pod is load, and a test must know how many pods there will be.
 */
export async function pin(service: ServiceName, replicas: number): Promise<void> {
  const scaleDown = {
    stabilizationWindowSeconds: 0,
    policies: [{ type: 'Pods', value: 4, periodSeconds: 15 }],
  };
  await patchAutoscaler(service, { minReplicas: replicas, maxReplicas: replicas, behavior: { scaleDown } });
}

/** Has the autoscaler follow the load quickly, between two and four pods. `cpu` is what a pod may use: `80m`. */
export async function followLoad(service: ServiceName, cpu: string): Promise<void> {
  const policies = [{ type: 'Pods', value: 4, periodSeconds: 15 }];
  await patchAutoscaler(service, {
    minReplicas: 2,
    maxReplicas: 4,
    metrics: [
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'AverageValue', averageValue: cpu } } },
    ],
    behavior: { scaleUp: { policies }, scaleDown: { stabilizationWindowSeconds: 15, policies } },
  });
}

/** Pins every service; the function gives the autoscalers their settings back. */
export async function pinAll(replicas: number): Promise<() => Promise<void>> {
  const read = (service: ServiceName) => readJson<{ spec: object }>('get', 'hpa', service);
  const before = await Promise.all(
    serviceNames.map(async (service) => [service, (await read(service)).spec] as const),
  );
  await Promise.all(serviceNames.map((service) => pin(service, replicas)));
  return async () => {
    await Promise.all(before.map(([service, spec]) => patchAutoscaler(service, spec)));
  };
}

async function patchAutoscaler(service: ServiceName, spec: object): Promise<void> {
  await kubectl('patch', 'hpa', service, '--type=merge', '--patch', JSON.stringify({ spec }));
}

/** Changes settings of a service, which replaces its pods. The function takes this and all later changes back. */
export async function setEnv(service: ServiceName, ...settings: string[]): Promise<() => Promise<void>> {
  const deployment = `deployment/${service}`;
  const path = 'jsonpath={.metadata.annotations.deployment\\.kubernetes\\.io/revision}';
  const revision = await kubectl('get', deployment, '-o', path);
  await kubectl('set', 'env', deployment, ...settings);
  await rolledOut(service);
  return async () => {
    await kubectl('rollout', 'undo', deployment, `--to-revision=${revision}`);
    await rolledOut(service);
  };
}

/** Asks the eviction API to take a pod away; false if the PodDisruptionBudget forbids it now. */
export async function evict(pod: string): Promise<boolean> {
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod, namespace } };
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}/eviction`;
  const command = spawn('kubectl', ['create', '--raw', path, '-f', '-'], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let said = '';
  command.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  command.stdin.end(JSON.stringify(eviction));
  const [code] = await once(command, 'close');
  if (code === 0) return true;
  if (said.includes('disruption budget')) return false;
  throw new Error(said);
}
