/**
 * A service that the generator has made is deployed by Skaffold, in a namespace of its own beside the system that other
 * tests use. Only two images are built: that of the service, and that of the gateway, which forwards to it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readJson as readAnswer } from '../compose/system.ts';
import { kubectl, refuseForeignCluster, namespace as systemNamespace } from '../support/kubectl.ts';
import { eventually } from '../support/people.ts';
import { type Copy, copyWithPackages } from './copy.ts';

const { REQUIRE_CLUSTER, CHAOS_CONTEXT } = process.env;
const minutes = 60_000;
const namespace = `slipway-test-${randomUUID().slice(0, 8)}`;
const modules = ['--module', 'foundation,users,gateway,notes'];

/** The kinds of objects that a service has in a cluster. */
const kinds = 'deployment,service,hpa,pdb,networkpolicy,serviceaccount,configmap,pod';

// biome-ignore lint/suspicious/noExplicitAny: what the cluster answers is checked by the tests' expectations.
const readJson = async (...args: string[]): Promise<any> =>
  JSON.parse(await kubectl('--namespace', namespace, 'get', ...args, '-o', 'json'));

/** Returns all objects of the service, such as `deployment.apps/notes`. */
async function objectsOfNotes(): Promise<string[]> {
  const names = await kubectl('--namespace', namespace, 'get', kinds, '-o', 'name');
  return names.split('\n').filter((name) => /\/notes\b/.test(name));
}

const forwards: ChildProcess[] = [];

/** Forwards a free local port to a service of the namespace. Returns its address. */
async function addressOf(service: string, port: string): Promise<string> {
  const args = ['--namespace', namespace, 'port-forward', `service/${service}`, `:${port}`];
  const forward = spawn('kubectl', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  forwards.push(forward);
  const [line] = await once(createInterface(forward.stdout), 'line');
  const [, local] = /127\.0\.0\.1:(\d+)/.exec(String(line)) ?? [];
  return `http://127.0.0.1:${local}`;
}

/** Moves what the copy deploys to the namespace, and to a host of its own at the Ingress controller. */
function moveToNamespace(copy: Copy): void {
  copy.replace(
    '{skaffold.yaml,k8s/overlays/local/*/*.yaml}',
    /\bnamespace: slipway\b/g,
    `namespace: ${namespace}`,
  );
  copy.replace('k8s/namespace.yaml', /^ {2}name: slipway$/gm, `  name: ${namespace}`);
  copy.replace('scripts/cluster-secrets.ts', /namespace = 'slipway'/g, `namespace = '${namespace}'`);
  copy.replace('k8s/overlays/local/gateway/ingress.yaml', /\blocalhost\b/g, `${namespace}.localhost`);
}

describe.skipIf(!REQUIRE_CLUSTER)('a generated service in a cluster (needs REQUIRE_CLUSTER=1)', () => {
  let copy: Copy;
  beforeAll(async () => {
    await refuseForeignCluster(CHAOS_CONTEXT);
    copy = await copyWithPackages();
    await copy.generate('notes', '--store=mongodb');
    moveToNamespace(copy);
    const users = await kubectl(
      ...['--namespace', systemNamespace, 'get', 'deployment', 'users'],
      ...['-o', 'jsonpath={.spec.template.spec.containers[0].image}'],
    );
    await copy.run('skaffold', ['build', '--module', 'gateway,notes', '--file-output', 'images.json']);
    const images = ['--build-artifacts', 'images.json', '--images', `slipway/users=${users}`];
    await copy.run('skaffold', ['deploy', ...modules, ...images]);
  }, 10 * minutes);

  afterAll(async () => {
    for (const forward of forwards) forward.kill();
    await kubectl('delete', 'namespace', namespace, '--ignore-not-found', '--wait=false');
    await copy?.remove();
  }, 2 * minutes);

  it('is ready, with probes, an autoscaler, a disruption budget, policies and an account of its own', async () => {
    const { spec, status } = await readJson('deployment', 'notes');
    expect(status.readyReplicas).toBeGreaterThan(0);
    const [container] = spec.template.spec.containers;
    const paths = ['startupProbe', 'livenessProbe', 'readinessProbe'].map(
      (probe) => container[probe].httpGet.path,
    );
    expect(paths).toEqual(['/started', '/health', '/status']);
    expect(spec.template.spec.serviceAccountName).toBe('notes');
    expect(await objectsOfNotes()).toEqual(
      expect.arrayContaining([
        'horizontalpodautoscaler.autoscaling/notes',
        'poddisruptionbudget.policy/notes',
        'networkpolicy.networking.k8s.io/notes',
        'serviceaccount/notes',
        'service/notes-headless',
      ]),
    );
  });

  it(
    'is scraped, has its alert and its dashboard',
    async () => {
      const prometheus = await addressOf('prometheus', '9090');
      const ask = async (path: string) => (await readAnswer(`${prometheus}/api/v1/${path}`))?.data;
      const query = encodeURIComponent('up{service="notes"} == 1');
      await eventually(
        'Prometheus scrapes the service',
        async () => (await ask(`query?query=${query}`))?.result.length > 0,
        minutes,
      );
      expect(JSON.stringify(await ask('rules'))).toContain('absent(build_info{service=\\"notes\\"})');
      const { spec } = await readJson('deployment', 'grafana');
      expect(JSON.stringify(spec.template.spec.volumes)).toMatch(/"name":"dashboard-notes-\w+"/);
    },
    2 * minutes,
  );

  it(
    'passes its journey through the gateway',
    async () => {
      const settings = { SLIPWAY_URL: await addressOf('gateway', 'http') };
      await copy.run('npx', ['vitest', 'run', 'tests/journeys/notes.test.ts'], settings);
    },
    2 * minutes,
  );

  it(
    'is removed by its module, and from the repository by the generator',
    async () => {
      await copy.run('skaffold', ['delete', '--module', 'notes']);
      await eventually(
        'nothing of it is left',
        async () => (await objectsOfNotes()).length === 0,
        2 * minutes,
        1_000,
      );
      await copy.generate('notes', '--remove');
      const made = await copy.run('git', [
        'status',
        '--short',
        'apps',
        'libs',
        'tests',
        'k8s/base',
        'docker-compose.yml',
      ]);
      expect(made).toBe('');
    },
    4 * minutes,
  );
});
