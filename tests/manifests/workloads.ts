import { type Labels, type Manifest, ofKind } from './render.ts';

export type Probe = {
  httpGet?: { path: string; port: string | number };
  periodSeconds: number;
  failureThreshold: number;
  timeoutSeconds: number;
  terminationGracePeriodSeconds?: number;
};

export type Container = {
  name: string;
  image: string;
  env?: { name: string; value?: string; valueFrom?: object }[];
  envFrom?: { configMapRef: { name: string } }[];
  ports?: { name: string; containerPort: number }[];
  resources: { requests: Labels; limits: Labels };
  securityContext: Record<string, unknown>;
  workingDir?: string;
  volumeMounts?: { name: string; mountPath: string }[];
  startupProbe?: Probe;
  readinessProbe?: Probe;
  livenessProbe?: Probe;
};

type PodSpec = {
  containers: Container[];
  initContainers?: Container[];
  serviceAccountName: string;
  automountServiceAccountToken: boolean;
  enableServiceLinks?: boolean;
  terminationGracePeriodSeconds: number;
  securityContext: Record<string, unknown>;
  topologySpreadConstraints?: { topologyKey: string }[];
  volumes?: {
    name: string;
    configMap?: { name: string };
    persistentVolumeClaim?: { claimName: string };
    secret?: { secretName: string; defaultMode?: number; items?: { key: string; path: string }[] };
  }[];
};

type Template = { metadata: { labels: Labels }; spec: PodSpec };

type WorkloadManifest = Manifest & {
  spec: { replicas?: number; template: Template };
};

/** Anything that makes pods, with the pods it makes. */
export type Workload = { kind: string; name: string; labels: Labels; pod: PodSpec; replicas?: number };

/** All workloads of a rendering. */
export function workloadsOf(manifests: Manifest[]): Workload[] {
  return ['Deployment', 'StatefulSet', 'DaemonSet'].flatMap((kind) =>
    ofKind<WorkloadManifest>(manifests, kind).map(({ metadata, spec }) => {
      const { metadata: meta, spec: pod } = spec.template;
      return { kind, name: metadata.name, labels: meta.labels, pod, replicas: spec.replicas };
    }),
  );
}

/** The services of Slipway. */
export function servicesOf(manifests: Manifest[]): Workload[] {
  return workloadsOf(manifests).filter(({ labels }) => labels['app.kubernetes.io/component'] === 'service');
}

/** The one container of our pods. */
export function containerOf({ name, pod }: Workload): Container {
  const [container, ...others] = pod.containers;
  if (!container || others.length > 0) throw new Error(`${name} has not exactly one container`);
  return container;
}

/** A container's environment as the kubelet makes it: ConfigMaps first, `$(NAME)` put in. */
export function environmentOf(workload: Workload, manifests: Manifest[], namespace = 'slipway'): Labels {
  const { env = [], envFrom = [] } = containerOf(workload);
  const result: Labels = {};
  for (const { configMapRef } of envFrom) {
    const map = ofKind(manifests, 'ConfigMap').find(({ metadata }) => metadata.name === configMapRef.name);
    if (!map)
      throw new Error(`${workload.name} wants the ConfigMap ${configMapRef.name}, which is not there`);
    Object.assign(result, map.data);
  }
  for (const { name, value = name === 'NAMESPACE' ? namespace : '' } of env) {
    result[name] = value.replace(/\$\((\w+)\)/g, (all, known: string) => result[known] ?? all);
  }
  return result;
}

const units: Record<string, number> = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, m: 0.001 };

/**
 * A quantity of Kubernetes as a number: bytes, or cores.
 *
 * @example
 * quantity('128Mi'); // 134217728
 */
export function quantity(text: string): number {
  const [, amount, unit = ''] = /^([\d.]+)(Ki|Mi|Gi|m)?$/.exec(text) ?? [];
  if (amount === undefined) throw new Error(`${text} is not a quantity that these manifests use`);
  return Number(amount) * (units[unit] ?? 1);
}
