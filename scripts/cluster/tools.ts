/** The commands with which each tool creates, starts and completes a local cluster. */

/** A command line: the program and its arguments. */
export type CommandLine = [program: string, ...args: string[]];

export type ClusterTool = {
  name: string;
  /** The context of the cluster in kubectl. Skaffold recognizes by this name that it need not push images. */
  context: string;
  /** Prints the names of the clusters that exist. */
  list: CommandLine;
  create: CommandLine;
  /** Starts an existing cluster; has no effect on a running one. */
  start: CommandLine;
  /** Adds an Ingress controller and a metrics-server to a new cluster, unless `create` includes them. */
  complete: CommandLine[];
};

// The Ingress has the same two addresses with every tool. Port 8080 is for `npm start` and for port forwarding.
const http = '127.0.0.1:8088:80';
const https = '127.0.0.1:8443:443';

const kindKubectl: CommandLine = ['kubectl', '--context', 'kind-slipway'];
const metricsServer =
  'https://github.com/kubernetes-sigs/metrics-server/releases/download/v0.8.0/components.yaml';
const contour =
  'https://raw.githubusercontent.com/projectcontour/contour/v1.32.0/examples/render/contour.yaml';
const trustKubelet =
  '[{"op":"add","path":"/spec/template/spec/containers/0/args/-","value":"--kubelet-insecure-tls"}]';

/** The first tool that is installed is used. k3d and minikube include all parts; kind needs additions. */
export const clusterTools: ClusterTool[] = [
  {
    name: 'k3d',
    context: 'k3d-slipway',
    list: ['k3d', 'cluster', 'list', '--no-headers'],
    create: [
      'k3d',
      'cluster',
      'create',
      'slipway',
      '-p',
      `${http}@loadbalancer`,
      '-p',
      `${https}@loadbalancer`,
    ],
    start: ['k3d', 'cluster', 'start', 'slipway'],
    complete: [],
  },
  {
    name: 'minikube',
    context: 'minikube',
    list: ['minikube', 'profile', 'list'],
    create: ['minikube', 'start', '--addons=ingress,metrics-server', `--ports=${http},${https}`],
    start: ['minikube', 'start'],
    complete: [],
  },
  {
    name: 'kind',
    context: 'kind-slipway',
    list: ['kind', 'get', 'clusters'],
    create: ['kind', 'create', 'cluster', '--name', 'slipway', '--config', 'scripts/cluster/kind.yaml'],
    start: ['docker', 'start', 'slipway-control-plane'],
    complete: [
      [...kindKubectl, 'apply', '-f', contour],
      [...kindKubectl, 'apply', '-f', metricsServer],
      [
        ...kindKubectl,
        '-n',
        'kube-system',
        'patch',
        'deployment',
        'metrics-server',
        '--type=json',
        '-p',
        trustKubelet,
      ],
    ],
  },
];
