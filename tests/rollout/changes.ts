import { type ServiceName, serviceNames } from '../../scripts/system.ts';
import { kubectl } from '../support/kubectl.ts';
import { eventually } from '../support/people.ts';
import { allCalm, evict, type Pod, pin, podsOf, pollInterval } from './cluster.ts';

/** Does something and waits until all is calm. @throws if a pod is left that was there before */
export async function replacingAll(action: () => Promise<void>): Promise<void> {
  const before = await allPods();
  await action();
  await allCalm();
  const left = (await allPods()).filter((name) => before.includes(name));
  if (left.length > 0) throw new Error(`These pods were not replaced: ${left.join(', ')}`);
}

const allPods = async () => (await Promise.all(serviceNames.map(podsOf))).flat().map(({ name }) => name);

/** The services that are scaled: one that the Ingress balances, one that its callers do. */
const scaled = ['gateway', 'billing'] as const;

export async function growAndShrink(): Promise<void> {
  await Promise.all(scaled.map((service) => pin(service, 4)));
  await allCalm(scaled, 4);
  await Promise.all(scaled.map((service) => pin(service, 2)));
}

/** Evicts both pods of each service, one right after the other. Tells which evictions the budget allowed. */
export async function evictBoth(): Promise<boolean[][]> {
  const evictAll = async (service: ServiceName) => {
    // The controller counts anew some time after a service was scaled.
    const allowsOne = async () =>
      (await kubectl('get', 'pdb', service, '-o', 'jsonpath={.status.disruptionsAllowed}')) === '1';
    await eventually(`the budget of ${service} allows one`, allowsOne, 60_000, pollInterval);
    const allowed: boolean[] = [];
    for (const { name } of await podsOf(service)) allowed.push(await evict(name));
    return allowed;
  };
  return Promise.all(serviceNames.map(evictAll));
}

/**
 * Empties the node with `kubectl drain`. It is the only one, so its replacement is itself: it takes pods again as
 * soon as the drain has begun.
 */
export async function drainNode(): Promise<void> {
  const node = await kubectl('get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}');
  const selector = '--pod-selector=app.kubernetes.io/component=service';
  const drain = kubectl('drain', node, selector, '--delete-emptydir-data', '--ignore-daemonsets');
  await eventually('the node is cordoned', async () => {
    return (await kubectl('get', 'node', node, '-o', 'jsonpath={.spec.unschedulable}')) === 'true';
  });
  await kubectl('uncordon', node);
  await drain;
}

/** Waits until a pod's container was started once more than it had been, and the pod is ready. */
export async function restarted(service: ServiceName, { name, restarts }: Pod): Promise<void> {
  const again = async () => {
    const pod = (await podsOf(service)).find((each) => each.name === name);
    return pod?.ready && pod.restarts > restarts;
  };
  await eventually(`${name} was restarted`, again, 120_000, pollInterval);
}
