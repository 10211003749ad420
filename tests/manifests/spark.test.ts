import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { allowedFlows, flow, openToOutside, outsideOf } from './network.ts';
import { type Manifest, ofKind, parse, renderText } from './render.ts';
import { sparkSettings, sparkWorkloads } from './spark-pods.ts';
import { missingTools } from './tools.ts';
import { containerOf, quantity, workloadsOf } from './workloads.ts';

const missing = missingTools('kubectl');

type Role = Manifest & { rules: object[] };

/** What Spark itself needs beside the heap of a driver. */
const driverOverhead = quantity('384Mi');

describe.skipIf(missing)(`Spark in the manifests${missing && `, skipped: no ${missing}`}`, () => {
  describe.each(missing ? [] : ['local', 'gke'])('of overlays/%s', (overlay) => {
    const manifests = parse(renderText(`overlays/${overlay}/spark`));
    const [driver, executor] = sparkWorkloads(manifests);
    const pods = [driver, executor];
    const settings = sparkSettings(manifests);

    it.each(pods)('runs $name as Pod Security "restricted" demands, on a read-only root', (workload) => {
      expect(workload.pod.securityContext).toEqual({
        runAsNonRoot: true,
        runAsUser: 185,
        runAsGroup: 185,
        fsGroup: 65532,
        fsGroupChangePolicy: 'OnRootMismatch',
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(containerOf(workload).securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    });

    it.each(pods)('gives $name the volume of the export, where its script runs', ({ pod }) => {
      const claim = { claimName: 'analytics' };
      expect(pod.volumes).toContainEqual({ name: 'analytics', persistentVolumeClaim: claim });
      const mount = { name: 'analytics', mountPath: '/var/lib/slipway/analytics' };
      expect(pod.containers[0]?.volumeMounts).toContainEqual(mount);
      expect(driver.pod.containers[0]?.workingDir).toBe(mount.mountPath);
    });

    it.each(pods)('asks no more for $name than it may have', (workload) => {
      const { requests, limits } = containerOf(workload).resources;
      expect(Object.keys(requests).sort()).toEqual(['cpu', 'ephemeral-storage', 'memory']);
      for (const [name, limit] of Object.entries(limits)) {
        expect(quantity(requests[name] ?? ''), name).toBeLessThanOrEqual(quantity(limit));
      }
    });

    it('leaves memory beside the heap of the driver', () => {
      const heap = quantity(`${Number.parseInt(settings['spark.driver.memory'] ?? '', 10)}Mi`);
      const limit = quantity(containerOf(driver).resources.limits.memory ?? '');
      expect(heap + driverOverhead).toBeLessThanOrEqual(limit);
    });

    it('lets the driver make executors, and nothing else; an executor has no token', () => {
      const tokens = pods.map(({ pod }) => [pod.serviceAccountName, pod.automountServiceAccountToken]);
      expect(tokens).toEqual([
        ['spark', true],
        ['spark-executor', false],
      ]);
      const verbs = ['create', 'get', 'list', 'watch', 'delete', 'deletecollection'];
      const roles = manifests.filter(({ kind }) => kind.endsWith('Role')) as Role[];
      expect(roles.map(({ kind, rules }) => [kind, rules])).toEqual([
        ['Role', ['pods', 'configmaps'].map((name) => ({ apiGroups: [''], resources: [name], verbs }))],
      ]);
    });

    it('lets the driver and its executors talk to each other, and to no other pod', () => {
      const all = [...parse(renderText(`overlays/${overlay}`)), ...manifests];
      const flows = allowedFlows(all, [...workloadsOf(all), ...pods]);
      expect(flows.filter((each) => each.includes('spark')).sort()).toEqual([
        flow('spark', 'spark-executor', 7079),
        flow('spark-executor', 'spark-executor', 7079),
        flow('spark-executor', 'spark', 7078),
        flow('spark-executor', 'spark', 7079),
      ]);
      expect(openToOutside(all, pods)).toEqual([]);
    });

    it('lets the driver alone reach the API server', () => {
      const server = 'anything: TCP 443, TCP 6443';
      expect(outsideOf(manifests, 'Egress', driver)).toContain(server);
      expect(outsideOf(manifests, 'Egress', executor)).not.toContain(server);
      if (overlay === 'local') expect(outsideOf(manifests, 'Egress', executor)).toEqual([]);
    });

    it('has the driver listen on the ports of its Service', () => {
      const ports = [settings['spark.driver.port'], settings['spark.blockManager.port']].map(Number);
      expect(containerOf(driver).ports?.map(({ containerPort }) => containerPort)).toEqual(ports);
      expect(containerOf(executor).ports?.map(({ containerPort }) => containerPort)).toEqual([ports[1]]);
      const [service] = ofKind<Manifest & { spec: { ports: { port: number }[] } }>(manifests, 'Service');
      expect(service?.metadata.name).toBe('spark');
      expect(service?.spec.ports.map(({ port }) => port)).toEqual(ports);
    });

    it('runs the image that `npm run analytics` runs', () => {
      const source = new URL('../../apps/reporting/src/analytics/spark.ts', import.meta.url);
      const [, image] = /sparkImage = '(.+)'/.exec(readFileSync(source, 'utf8')) ?? [];
      expect(image).toMatch(/^apache\/spark:[\d.]+$/);
      expect(pods.map((each) => containerOf(each).image)).toEqual([image, image]);
    });
  });
});
