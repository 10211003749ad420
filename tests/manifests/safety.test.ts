import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ServiceName, serviceNames, servicesOn, system } from '../../scripts/system.ts';
import { type Manifest, ofKind, parse, renderText } from './render.ts';
import { missingTools } from './tools.ts';
import {
  type Container,
  containerOf,
  environmentOf,
  type Probe,
  quantity,
  servicesOf,
  type Workload,
  workloadsOf,
} from './workloads.ts';

const missing = missingTools('kubectl');

type Selected = Manifest & {
  spec: { selector?: { matchLabels: Record<string, string> }; maxUnavailable: number };
};
type Scaler = Manifest & {
  spec: {
    minReplicas: number;
    maxReplicas: number;
    scaleTargetRef: { name: string };
    metrics: { resource?: { target: { averageValue: string } } }[];
  };
};
type Role = Manifest & { rules: object[] };
type Service = Manifest & {
  spec: { clusterIP?: string; publishNotReadyAddresses?: boolean; ports: { name: string; port: number }[] };
};
/** The share of the memory limit that V8's heap may use: the rest is for buffers, code, and hashing of passwords. */
const heapShare = 0.6;

/** The keys of the Secret that a service reads. */
function keysFor(name: ServiceName): [workload: string, keys: string[]] {
  const keys = [
    ...(name === 'users' ? ['admin-email', 'admin-password'] : []),
    ...(servicesOn('mongodb').includes(name) ? [`${name}-store-url`] : []),
    ...(system[name].serviceToken ? ['service-token'] : []),
    'management-token',
  ];
  return [name, keys.sort()];
}

describe.skipIf(missing)(`the workloads${missing && `, skipped: no ${missing}`}`, () => {
  describe.each(missing ? [] : ['overlays/local', 'overlays/gke'])('of %s', (overlay) => {
    const text = renderText(overlay);
    const manifests = parse(text);
    const workloads = workloadsOf(manifests);
    const services = servicesOf(manifests);
    const named = <T extends Manifest>(kind: string, name: string) =>
      ofKind<T>(manifests, kind).find(({ metadata }) => metadata.name === name);

    it.each(workloads)('run $name as Pod Security "restricted" demands, on a read-only root', (workload) => {
      const { pod } = workload;
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(pod.securityContext.runAsUser).toBeGreaterThan(0);
      for (const { securityContext } of [containerOf(workload), ...(pod.initContainers ?? [])]) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
    });

    it('give each its own account, and a token to Prometheus alone', () => {
      const accounts = workloads.map(({ pod }) => pod.serviceAccountName);
      expect(new Set(accounts).size).toBe(workloads.length);
      for (const account of accounts) expect(named('ServiceAccount', account), account).toBeDefined();
      const withToken = workloads.filter(({ pod }) => pod.automountServiceAccountToken !== false);
      expect(withToken.map(({ name }) => name)).toEqual(['prometheus']);
      const roles = manifests.filter(({ kind }) => kind.endsWith('Role')) as Role[];
      expect(roles.map(({ kind, metadata, rules }) => [kind, metadata.name, rules])).toEqual([
        ['Role', 'prometheus', [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] }]],
      ]);
    });

    it.each(workloads)('ask no more for $name than it may have', (workload) => {
      const { requests, limits } = containerOf(workload).resources;
      expect(Object.keys(requests)).toEqual(expect.arrayContaining(['cpu', 'memory']));
      expect(limits).toHaveProperty('memory');
      for (const [name, limit] of Object.entries(limits)) {
        expect(quantity(requests[name] ?? '0'), name).toBeLessThanOrEqual(quantity(limit));
      }
    });

    it('leave memory beside the heap of Node', () => {
      const ours = workloads.filter((each) => containerOf(each).image.includes('slipway/'));
      expect(ours.map(({ name }) => name).sort()).toEqual([...serviceNames].sort());
      for (const each of ours) {
        const { NODE_OPTIONS = '' } = environmentOf(each, manifests);
        const heap = quantity(`${/--max-old-space-size=(\d+)/.exec(NODE_OPTIONS)?.[1]}Mi`);
        const limit = quantity(containerOf(each).resources.limits.memory ?? '');
        expect(heap, each.name).toBeLessThanOrEqual(limit * heapShare);
      }
    });

    it.each(services)('probe $name where the management port answers', (workload) => {
      const { startupProbe, readinessProbe, livenessProbe, ports } = containerOf(workload);
      expect(ports).toContainEqual({ name: 'management', containerPort: 9080 });
      expect(startupProbe?.httpGet).toEqual({ path: '/started', port: 'management' });
      expect(readinessProbe?.httpGet).toEqual({ path: '/status', port: 'management' });
      expect(livenessProbe?.httpGet).toEqual({ path: '/health', port: 'management' });
      // The readiness check itself waits 500 ms for a store.
      expect(readinessProbe).toMatchObject({ periodSeconds: 5, timeoutSeconds: 2 });
      const timeToFail = (probe?: Probe) => (probe ? probe.periodSeconds * probe.failureThreshold : 0);
      expect(timeToFail(startupProbe)).toBeGreaterThanOrEqual(90);
      expect(timeToFail(livenessProbe)).toBeGreaterThanOrEqual(30);
    });

    it.each(services)(
      'keep $name available: two replicas, one away at most, found by SRV only when ready',
      ({ name, replicas, pod }) => {
        expect(replicas, 'the autoscaler owns the number').toBeUndefined();
        const scaler = named<Scaler>('HorizontalPodAutoscaler', name)?.spec;
        expect(scaler).toMatchObject({ minReplicas: 2, scaleTargetRef: { name } });
        expect(scaler?.maxReplicas).toBeGreaterThan(2);
        // A process of Node uses one core at most.
        const cpu = scaler?.metrics.flatMap(({ resource }) => resource?.target.averageValue ?? []) ?? [];
        expect(cpu.map(quantity)).toEqual([expect.toSatisfy((cores) => cores < 1)]);
        expect(pod.topologySpreadConstraints?.map(({ topologyKey }) => topologyKey)).toEqual([
          'kubernetes.io/hostname',
          'topology.kubernetes.io/zone',
        ]);
        expect(named<Selected>('PodDisruptionBudget', name)?.spec).toMatchObject({
          maxUnavailable: 1,
          // A pod that serves nobody must not keep a node from being emptied.
          unhealthyPodEvictionPolicy: 'AlwaysAllow',
          selector: { matchLabels: { 'app.kubernetes.io/name': name } },
        });
        expect(named('Deployment', name)).toMatchObject({
          spec: { strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } } },
        });
        const headless = named<Service>('Service', `${name}-headless`)?.spec;
        expect(headless).toMatchObject({ clusterIP: 'None', ports: [{ name: 'http', port: 8080 }] });
        expect(headless?.publishNotReadyAddresses ?? false).toBe(false);
      },
    );

    it('put into no environment the addresses of the other services, which are no settings', () => {
      expect(services.filter(({ pod }) => pod.enableServiceLinks !== false)).toEqual([]);
    });

    it('name every image with a version', () => {
      for (const each of workloads) {
        expect(containerOf(each).image, each.name).toMatch(/:(?!latest$)[\w.-]+$/);
      }
    });

    it('hold no secret', () => {
      expect(ofKind(manifests, 'Secret')).toEqual([]);
      expect(text).not.toMatch(/:\/\/[^\s/@]+:[^\s/@]+@/);
      const secretName = /(TOKEN|PASSWORD|SECRET|PRIVATE_KEY)$/;
      const open = workloads.flatMap((each) =>
        (containerOf(each).env ?? []).filter(
          ({ name, value }) => value !== undefined && secretName.test(name),
        ),
      );
      expect(open).toEqual([]);
    });

    it('mount of the Secret what each container reads, and nothing else', () => {
      const keysOf = ({ pod }: Workload, { volumeMounts = [] }: Container) => {
        const mounted = (pod.volumes ?? []).filter(({ name }) =>
          volumeMounts.some((mount) => mount.name === name),
        );
        return mounted.flatMap(({ secret }) => secret?.items?.map(({ key }) => key) ?? []).sort();
      };
      const keys = workloads.map((each) => [each.name, keysOf(each, containerOf(each))] as const);
      const withKeys = keys.filter(([, names]) => names.length > 0);
      expect(Object.fromEntries(withKeys)).toEqual({
        ...Object.fromEntries(serviceNames.map(keysFor)),
        grafana: ['grafana-password'],
      });
    });

    it('let only the user and the group of a container read its secrets', () => {
      const secrets = workloads.flatMap(({ pod }) => (pod.volumes ?? []).filter(({ secret }) => secret));
      expect(secrets.length).toBeGreaterThan(workloads.length / 2);
      expect(secrets.filter(({ secret }) => secret?.defaultMode !== 0o440)).toEqual([]);
    });

    it('make the account of each service in MongoDB before it starts, in a container that ends', () => {
      const withInit = workloads.filter(({ pod }) => pod.initContainers);
      expect(withInit.map(({ name }) => name).sort()).toEqual(servicesOn('mongodb').sort());
      for (const { name, pod } of withInit) {
        expect(pod.initContainers).toMatchObject([{ name: 'account', image: `slipway/${name}:dev` }]);
        const root = pod.volumes?.find(({ secret }) =>
          secret?.items?.some(({ key }) => key === 'mongodb-root-url'),
        );
        const readers = [...pod.containers, ...(pod.initContainers ?? [])].filter(({ volumeMounts }) =>
          volumeMounts?.some((mount) => mount.name === root?.name),
        );
        expect(readers.map((each) => each.name)).toEqual(['account']);
      }
    });
  });
});

it('the namespace lets no pod run that is not restricted', () => {
  const [namespace] = parse(readFileSync(new URL('../../k8s/namespace.yaml', import.meta.url), 'utf8'));
  expect(namespace?.metadata.labels).toMatchObject({
    'pod-security.kubernetes.io/enforce': 'restricted',
    'pod-security.kubernetes.io/audit': 'restricted',
    'pod-security.kubernetes.io/warn': 'restricted',
  });
});
