/** `npm run cluster`, with what is on the PATH chosen by the test. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { root } from './copy.ts';

const { REQUIRE_CLUSTER, PATH } = process.env;
const kubectl = spawnSync('sh', ['-c', 'command -v kubectl'], { encoding: 'utf8' }).stdout.trim();

let folder: string;
let kubeconfig: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-cluster-'));
  kubeconfig = join(folder, 'kubeconfig');
  onTestFinished(() => rmSync(folder, { recursive: true }));
});

function runCluster(): { status: number | null; said: string } {
  const env = { PATH: folder, KUBECONFIG: kubeconfig, HOME: folder };
  const script = join(root, 'scripts/cluster.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { env, encoding: 'utf8' });
  return { status, said: stdout + stderr };
}

it('says in one sentence that kubectl is missing', () => {
  expect(runCluster()).toEqual({
    status: 1,
    said: expect.stringMatching(/^kubectl is not on the PATH.*\n$/),
  });
});

describe.skipIf(!kubectl)(`with kubectl${kubectl ? '' : ', skipped: it is not here'}`, () => {
  beforeEach(() => symlinkSync(kubectl, join(folder, 'kubectl')));

  it('says what to install when no cluster answers and nothing can make one', () => {
    expect(runCluster()).toEqual({
      status: 1,
      said: expect.stringContaining('none of k3d, minikube and kind is on the PATH'),
    });
  });

  it('leaves a cluster alone that is elsewhere', () => {
    const config = (...args: string[]) =>
      execFileSync(kubectl, ['--kubeconfig', kubeconfig, 'config', ...args]);
    config('set-cluster', 'far', '--server=https://192.0.2.1');
    config('set-context', 'gke_prod', '--cluster=far');
    config('use-context', 'gke_prod');
    const { said } = runCluster();
    expect(said).toContain('kubectl points to gke_prod, which is not on this machine, so it is not used.');
  });
});

describe.skipIf(!REQUIRE_CLUSTER)('with a program that makes clusters (needs REQUIRE_CLUSTER=1)', () => {
  const asked = () => readFileSync(join(folder, 'asked'), 'utf8').trim().split('\n');

  /** A k3d that writes down what it is asked; the cluster that it "makes" is the one of these tests. */
  beforeEach(() => {
    symlinkSync(kubectl, join(folder, 'kubectl'));
    const made = join(folder, 'made');
    const view = ['config', 'view', '--raw', '--minify', '--flatten'];
    writeFileSync(made, execFileSync(kubectl, view));
    const context = execFileSync(kubectl, ['--kubeconfig', made, 'config', 'current-context'], {
      encoding: 'utf8',
    });
    execFileSync(kubectl, ['--kubeconfig', made, 'config', 'rename-context', context.trim(), 'k3d-slipway']);
    const script = `#!/bin/sh
PATH='${PATH}'
echo "$*" >> ${folder}/asked
case "$1 $2" in
  'cluster list') if [ -e ${folder}/exists ]; then echo slipway 1/1 0/0 true; fi ;;
  'cluster create' | 'cluster start') touch ${folder}/exists; cp ${made} ${kubeconfig} ;;
esac
`;
    writeFileSync(join(folder, 'k3d'), script, { mode: 0o755 });
  });

  it('makes a cluster with addresses on loopback, and finds it the next time', () => {
    expect(runCluster()).toEqual({ status: 0, said: expect.stringContaining('k3d-slipway is ready') });
    expect(asked().at(-1)).toMatch(/^cluster create slipway .*127\.0\.0\.1:8088:80@loadbalancer/);
    const before = asked().length;
    expect(runCluster().said).toContain('A local cluster is already running: k3d-slipway');
    expect(asked()).toHaveLength(before);
  });

  it('starts a cluster that was stopped', () => {
    runCluster();
    rmSync(kubeconfig);
    expect(runCluster().status).toBe(0);
    expect(asked().at(-1)).toBe('cluster start slipway');
    expect(existsSync(kubeconfig)).toBe(true);
  });
});
