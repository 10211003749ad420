/**
 * Deploying with Skaffold, for real. Runs with REQUIRE_CLUSTER=1, for it deletes what is deployed in the namespace
 * (not its secrets, nor the database) and deploys it again.
 */
import { get } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ServiceName, serviceNames } from '../../scripts/system.ts';
import { runsOf } from '../docs/fences.ts';
import { runPage } from '../docs/run-page.ts';
import { allCalm, calm, podsOf } from '../rollout/cluster.ts';
import { kubectl, refuseForeignCluster } from '../support/kubectl.ts';
import { eventually } from '../support/people.ts';
import { type Copy, copyRepository } from './copy.ts';
import { skaffold, skaffoldMissing } from './skaffold.ts';

const { REQUIRE_CLUSTER, CHAOS_CONTEXT, SLIPWAY_URL = 'http://localhost:8088' } = process.env;
const { SLIPWAY_TLS_URL = 'https://localhost:8443' } = process.env;
skaffoldMissing();

async function ready(): Promise<boolean> {
  const answer = await fetch(`${SLIPWAY_URL}/api/v1/system`);
  return answer.ok && ((await answer.json()) as { ready: boolean }).ready;
}

/** The status of an answer over TLS, from a server that has the certificate of the cluster's Secret. */
async function statusOverTls(path: string): Promise<number | undefined> {
  const encoded = await kubectl('get', 'secret', 'slipway-tls', '-o', 'jsonpath={.data.tls\\.crt}');
  const options = { ca: Buffer.from(encoded, 'base64') };
  return new Promise((resolve, reject) => {
    const request = get(SLIPWAY_TLS_URL + path, options, (answer) => resolve(answer.resume().statusCode));
    request.on('error', reject);
  });
}

async function namesOfPods(services: readonly ServiceName[]): Promise<string[]> {
  const pods = await Promise.all(services.map((service) => podsOf(service)));
  return pods
    .flat()
    .flatMap(({ name, leaving }) => (leaving ? [] : [name]))
    .sort();
}

async function timed(what: string, work: () => Promise<unknown>): Promise<void> {
  const start = performance.now();
  await work();
  process.stdout.write(`${what}: ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
}

describe.skipIf(!REQUIRE_CLUSTER)('`skaffold run` (needs REQUIRE_CLUSTER=1)', { timeout: 900_000 }, () => {
  let copy: Copy;
  beforeAll(async () => {
    await refuseForeignCluster(CHAOS_CONTEXT);
    copy = copyRepository();
    await skaffold(copy.folder, 'delete');
  }, 900_000);
  afterAll(() => copy?.remove());

  /** Runs the commands that a page has for an empty cluster, and resolves with what each block prints. */
  async function runCommandsOf(page: string): Promise<string[]> {
    const [, fences = []] = runsOf('skaffold').find(([each]) => each === page) ?? [];
    expect(fences).not.toEqual([]);
    return runPage(fences, { ports: {}, folder: copy.folder, limit: 900_000 });
  }

  it('runs the commands of each page', () => {
    expect(runsOf('skaffold').map(([page]) => page)).toEqual(['docs/kubernetes.md', 'docs/skaffold.md']);
  });

  it('deploys everything to where nothing is', async () => {
    expect(await kubectl('get', 'deployments', '-o', 'name')).toBe('');
    await timed('skaffold run, cold', () => runCommandsOf('docs/kubernetes.md'));
    await eventually('the system is ready', ready, 60_000);
    await allCalm();
  });

  it('serves over TLS, with the certificate that was made for its Ingress', async () => {
    expect(await statusOverTls('/api/v1/plans')).toBe(200);
  });

  it('replaces no pod when nothing has changed', async () => {
    const before = await namesOfPods(serviceNames);
    await timed('skaffold run, warm', () => skaffold(copy.folder, 'run'));
    expect(await namesOfPods(serviceNames)).toEqual(before);
  });

  it('deploys one service alone, by its module', async () => {
    const others = serviceNames.filter((name) => name !== 'billing');
    const before = { billing: await namesOfPods(['billing']), others: await namesOfPods(others) };
    const undo = copy.edit('apps/billing/src/money.ts', '\n', '\n\n');
    await timed('skaffold run -m billing', () => skaffold(copy.folder, 'run', '--module', 'billing'));
    undo();
    const billing = (await calm('billing')).map(({ name }) => name);
    expect(billing.filter((name) => before.billing.includes(name))).toEqual([]);
    expect(await namesOfPods(others)).toEqual(before.others);
    await skaffold(copy.folder, 'run', '--module', 'billing');
    await calm('billing');
  });

  it('leaves a system that passes the journeys and keeps its promises, with `skaffold verify`', async () => {
    const [output] = await runCommandsOf('docs/skaffold.md');
    for (const service of serviceNames) expect(output).toMatch(new RegExp(`${service}: \\d+ kept, 0 broken`));
    const ofVerify = 'app.kubernetes.io/name in (journeys, conformance)';
    expect(await kubectl('get', 'jobs', '-l', ofVerify, '-o', 'name')).toBe('');
  });
});
