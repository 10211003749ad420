/** The commands of the pages on Kubernetes, against the deployed system. Runs with REQUIRE_CLUSTER=1. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { kubectl, namespace, refuseForeignCluster } from '../support/kubectl.ts';
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

/** A job of this name may be left from an earlier run of the page. */
const removeJob = () => kubectl('delete', 'job', 'billing-now', '--ignore-not-found');

describe.skipIf(!REQUIRE_CLUSTER)('the commands of a page, in a cluster (needs REQUIRE_CLUSTER=1)', () => {
  let forward: Awaited<ReturnType<typeof forwardManagement>> | undefined;
  let place: Place;
  beforeAll(async () => {
    await refuseForeignCluster(CHAOS_CONTEXT);
    await removeJob();
    forward = await forwardManagement();
    place = { ports: { 9080: forward.address } };
  }, limit);
  afterAll(async () => {
    forward?.child.kill();
    await removeJob();
  }, limit);

  it.each(runsOf('cluster'))('run in %s', { timeout: limit }, async (_page, fences) => {
    await runPage(fences, place);
  });
});
