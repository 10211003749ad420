/**
 * Provides a local cluster for `skaffold dev`: `npm run cluster`.
 *
 * Uses the cluster that kubectl points to if it is local and reachable. Otherwise creates or starts one named `slipway`
 * (`minikube` with minikube) with k3d, minikube or kind, whichever is found first. It never changes a remote cluster.
 * Running it again changes nothing.
 */
import { fileURLToPath } from 'node:url';
import { answers, command } from './cluster/command.ts';
import { createKubectl, type Kubectl } from './cluster/kubectl.ts';
import { type ClusterTool, type CommandLine, clusterTools } from './cluster/tools.ts';

/** Names of clusters on this machine, which need no pushed images. Skaffold recognizes the same names. */
const localContext = /^(docker-desktop|minikube|kind-.+|k3d-.+|rancher-desktop|orbstack|colima.*)$/;

const hostPathVolumes = fileURLToPath(new URL('../k8s/host-path-volumes.yaml', import.meta.url));

const noTool = `No local cluster is running, and none of k3d, minikube and kind is on the PATH.
Install one of them (https://k3d.io is the smallest), or enable Kubernetes in Docker Desktop. Then try again.`;

const noKubectl = 'kubectl is not on the PATH: https://kubernetes.io/docs/tasks/tools/';

const say = (line: string) => console.log(line);

function run([program, ...args]: CommandLine): void {
  say(`> ${program} ${args.join(' ')}`);
  command(program, args, { show: true });
}

/** Returns the current context if it is a local cluster that is reachable. */
function runningContext(): string | undefined {
  if (!answers('kubectl', ['config', 'current-context'])) return;
  const context = command('kubectl', ['config', 'current-context']).trim();
  if (!localContext.test(context)) {
    say(`kubectl points to ${context}, which is not on this machine, so it is not used.`);
    return;
  }
  if (answers('kubectl', ['--context', context, '--request-timeout=5s', 'get', 'nodes'])) return context;
}

/** Creates the cluster, or starts the existing one. */
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

/** Makes host-path volumes writable: plain clusters create them for root only, and none of our pods runs as root. */
function openVolumes(kubectl: Kubectl): void {
  const provisioners = kubectl.run(['get', 'storageclass', '-o', 'jsonpath={.items[*].provisioner}']);
  if (!provisioners.split(' ').includes('kubernetes.io/host-path')) return;
  say(kubectl.run(['apply', '-f', hostPathVolumes]).trim());
}

/** Waits for the nodes, and reports what is missing: an Ingress controller, or the metrics-server for autoscaling. */
function describe(kubectl: Kubectl): void {
  const has = (...what: string[]) => kubectl.run(['get', ...what, '--ignore-not-found', '-o', 'name']) !== '';
  kubectl.run(['wait', '--for=condition=Ready', 'node', '--all', '--timeout=180s']);
  if (!has('ingressclass'))
    say('The cluster has no Ingress controller. Use the port forwarding of `skaffold dev`.');
  if (!has('apiservice', 'v1beta1.metrics.k8s.io'))
    say('The cluster has no metrics-server, so nothing scales automatically.');
}

function main(): void {
  if (!answers('kubectl', ['version', '--client'])) throw new Error(noKubectl);
  const running = runningContext();
  if (running) say(`A local cluster is already running: ${running}`);
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
