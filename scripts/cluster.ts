/**
 * Gives you a local cluster for `skaffold dev`: `npm run cluster`.
 *
 * Takes the cluster that kubectl points to if it is a local one and answers; otherwise makes or starts one named
 * `slipway` with k3d, minikube or kind, whichever is found first. It never changes a cluster that is elsewhere.
 * Running it again changes nothing.
 */
import { fileURLToPath } from 'node:url';
import { answers, command } from './cluster/command.ts';
import { createKubectl, type Kubectl } from './cluster/kubectl.ts';
import { type ClusterTool, type CommandLine, clusterTools } from './cluster/tools.ts';

/** Clusters on this machine, whose images need not be pushed; Skaffold goes by the same names. */
const localContext = /^(docker-desktop|minikube|kind-.+|k3d-.+|rancher-desktop|orbstack|colima.*)$/;

const hostPathVolumes = fileURLToPath(new URL('../k8s/host-path-volumes.yaml', import.meta.url));

const noTool = `No local cluster answers, and none of k3d, minikube and kind is on the PATH.
Install one of them (https://k3d.io is the smallest), or switch on Kubernetes in Docker Desktop; then try again.`;

const noKubectl = 'kubectl is not on the PATH: https://kubernetes.io/docs/tasks/tools/';

const say = (line: string) => console.log(line);

function run([program, ...args]: CommandLine): void {
  say(`> ${program} ${args.join(' ')}`);
  command(program, args, { show: true });
}

/** The current context, if it is a local cluster that answers. */
function runningContext(): string | undefined {
  if (!answers('kubectl', ['config', 'current-context'])) return;
  const context = command('kubectl', ['config', 'current-context']).trim();
  if (!localContext.test(context)) {
    say(`kubectl points to ${context}, which is not on this machine: it is left alone.`);
    return;
  }
  if (answers('kubectl', ['--context', context, '--request-timeout=5s', 'get', 'nodes'])) return context;
}

/** Makes the cluster, or starts the one that was made before. */
function bringUp(tool: ClusterTool): string {
  const [program, ...args] = tool.list;
  const found = answers(program, args) ? command(program, args) : '';
  const name = tool.context.replace(`${tool.name}-`, '');
  if (new RegExp(`\\b${name}\\b`).test(found)) {
    run(tool.start);
  } else {
    run(tool.create);
    tool.complete.forEach(run);
  }
  command('kubectl', ['config', 'use-context', tool.context]);
  return tool.context;
}

function findTool(): ClusterTool {
  const tool = clusterTools.find(({ name }) => answers(name, ['version']));
  if (!tool) throw new Error(noTool);
  return tool;
}

/** Bare clusters give out folders of root as volumes, and no pod of ours is root. */
function openVolumes(kubectl: Kubectl): void {
  const provisioners = kubectl.run(['get', 'storageclass', '-o', 'jsonpath={.items[*].provisioner}']);
  if (!provisioners.split(' ').includes('kubernetes.io/host-path')) return;
  say(kubectl.run(['apply', '-f', hostPathVolumes]).trim());
}

/** Says what the cluster lacks; Slipway runs without, but is not reached by an Ingress or does not scale. */
function describe(kubectl: Kubectl): void {
  const has = (...what: string[]) => kubectl.run(['get', ...what, '--ignore-not-found', '-o', 'name']) !== '';
  kubectl.run(['wait', '--for=condition=Ready', 'node', '--all', '--timeout=180s']);
  if (!has('ingressclass')) say('It has no Ingress controller: use the port-forward of `skaffold dev`.');
  if (!has('apiservice', 'v1beta1.metrics.k8s.io')) say('It has no metrics-server: nothing scales.');
}

function main(): void {
  if (!answers('kubectl', ['version', '--client'])) throw new Error(noKubectl);
  const running = runningContext();
  if (running) say(`A local cluster answers already: ${running}`);
  const context = running ?? bringUp(findTool());
  const kubectl = createKubectl(context);
  openVolumes(kubectl);
  describe(kubectl);
  say(`The cluster ${context} is ready. Next: skaffold dev`);
}

try {
  main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
