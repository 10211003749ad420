/** The commands of the pages on Kubernetes, against the deployed system. Runs with REQUIRE_CLUSTER=1. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, it } from 'vitest';
import { allCalm, podsOf } from '../rollout/cluster.ts';
import { kubectl, namespace, refuseForeignCluster } from '../support/kubectl.ts';
import { eventually } from '../support/people.ts';
import { runsOf } from './fences.ts';
import { type Place, runPage } from './run-page.ts';

const { REQUIRE_CLUSTER, CHAOS_CONTEXT } = process.env;
const limit = 300_000;

/** The management port of users on a free port; the pages forward it to the port 9080. */
async function forwardManagement(): Promise<{ child: ChildProcess; address: string }> {
  const args = ['--namespace', namespace, 'port-forward', 'deploy/users', ':9080'];
  const child = spawn('kubectl', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const [address = ''] = line.match(/127\.0\.0\.1:\d+/) ?? [];
  return { child, address };
}

/** Ends the processes of users by two signals, for the pages that show what is left of one that has ended. */
async function restartUsers(): Promise<void> {
  const before = await podsOf('users');
  const kill = "process.kill(1, 'SIGTERM'); setTimeout(() => process.kill(1, 'SIGTERM'), 500)";
  // The command ends with the container, as if it had failed.
  const ended = before.map(({ name }) =>
    kubectl('exec', name, '--', '/nodejs/bin/node', '-e', `${kill}; setTimeout(() => {}, 60_000)`).catch(
      String,
    ),
  );
  await Promise.all(ended);
  const restarted = async () => {
    const after = await podsOf('users');
    return before.every((pod) =>
      after.some(({ name, ready, restarts }) => name === pod.name && ready && restarts > pod.restarts),
    );
  };
  await eventually('the pods of users have restarted', restarted, 120_000, 1_000);
}

describe.skipIf(!REQUIRE_CLUSTER)('the commands of a page, in a cluster (needs REQUIRE_CLUSTER=1)', () => {
  let forward: Awaited<ReturnType<typeof forwardManagement>> | undefined;
  let place: Place;
  beforeAll(async () => {
    await refuseForeignCluster(CHAOS_CONTEXT);
    await restartUsers();
    forward = await forwardManagement();
    place = { ports: { 9080: forward.address }, limit: limit - 20_000 };
  }, limit);
  // A page that fails halfway must not take the store or a service from all tests after it.
  afterEach(async () => {
    await kubectl('scale', 'statefulset/mongodb', '--replicas=1');
    if ((await podsOf('reporting')).length === 0) await kubectl('scale', 'deploy/reporting', '--replicas=2');
    await allCalm();
  }, limit);
  afterAll(async () => {
    forward?.child.kill();
  }, limit);

  it.each(runsOf('cluster'))('run in %s', { timeout: limit }, async (_page, fences) => {
    await runPage(fences, place);
  });
});
