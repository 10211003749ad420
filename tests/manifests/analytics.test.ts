/** The export of reporting lies on a volume that its replicas share, and fits into their memory. */
import { readSettings } from '@slipway/platform/service/settings';
import { settings } from '@slipway/reporting/config';
import { describe, expect, it } from 'vitest';
import { type Manifest, ofKind, parse, renderText } from './render.ts';
import { missingTools } from './tools.ts';
import { containerOf, environmentOf, quantity, servicesOf, type Workload } from './workloads.ts';

type Claim = Manifest & { spec: { accessModes: string[]; volumeName?: string } };
type Volume = Manifest & {
  spec: {
    claimRef: { namespace: string; name: string };
    mountOptions: string[];
    csi: { driver: string };
    persistentVolumeReclaimPolicy: string;
  };
};
type Deployment = Manifest & { spec: { template: { metadata: { annotations?: Record<string, string> } } } };

const missing = missingTools('kubectl');

/** Reads the settings that reporting has in a cluster. */
function settingsOf(reporting: Workload, manifests: Manifest[]) {
  const {
    SERVICE_TOKEN_FILE: _token,
    MANAGEMENT_TOKEN_FILE: _other,
    ...environment
  } = environmentOf(reporting, manifests);
  return readSettings(settings, { ...environment, SERVICE_TOKEN: 'a token of the tests' });
}

describe.skipIf(missing)(`the export of events${missing && `, skipped: no ${missing}`}`, () => {
  describe.each(missing ? [] : ['overlays/local', 'overlays/gke'])('in %s', (overlay) => {
    const manifests = parse(renderText(overlay));
    const reporting = servicesOf(manifests).find(({ name }) => name === 'reporting') as Workload;

    it('is written to a claim that the replicas share', () => {
      const { ANALYTICS_FOLDER } = settingsOf(reporting, manifests);
      const mount = containerOf(reporting).volumeMounts?.find(
        ({ mountPath }) => mountPath === ANALYTICS_FOLDER,
      );
      expect(mount).toEqual({ name: 'analytics', mountPath: '/var/lib/slipway/analytics' });
      const volume = reporting.pod.volumes?.find(({ name }) => name === 'analytics');
      expect(volume).toMatchObject({ persistentVolumeClaim: { claimName: 'analytics' } });
      expect(ofKind(manifests, 'PersistentVolumeClaim').map(({ metadata }) => metadata.name)).toContain(
        'analytics',
      );
      // The group that owns the volume.
      expect(reporting.pod.securityContext).toMatchObject({ fsGroup: 65532 });
    });

    it('fits into the memory of the container beside a question and the heap of Node', () => {
      const { ANALYTICS_MEMORY } = settingsOf(reporting, manifests);
      const duckdb = Number.parseInt(ANALYTICS_MEMORY, 10) * 1_000_000;
      const heap = 160 * 2 ** 20;
      expect(environmentOf(reporting, manifests).NODE_OPTIONS).toBe('--max-old-space-size=160');
      const limit = quantity(containerOf(reporting).resources.limits.memory ?? '');
      expect(heap + 2 * duckdb).toBeLessThan(limit * 0.85);
    });
  });

  it('is a bucket on GKE, which each pod with the annotation mounts, and whose metadata nobody caches', () => {
    if (missing) return;
    const manifests = parse(renderText('overlays/gke'));
    const claim = ofKind<Claim>(manifests, 'PersistentVolumeClaim').find(
      ({ metadata }) => metadata.name === 'analytics',
    );
    const volume = ofKind<Volume>(manifests, 'PersistentVolume').find(
      ({ metadata }) => metadata.name === claim?.spec.volumeName,
    );
    expect(claim).toMatchObject({
      metadata: { namespace: 'slipway' },
      spec: { accessModes: ['ReadWriteMany'] },
    });
    expect(volume?.spec).toMatchObject({
      claimRef: { namespace: 'slipway', name: 'analytics' },
      csi: { driver: 'gcsfuse.csi.storage.gke.io' },
      persistentVolumeReclaimPolicy: 'Retain',
    });
    expect(volume?.spec.mountOptions).toEqual(
      expect.arrayContaining([
        'uid=65532',
        'gid=65532',
        'metadata-cache:ttl-secs:0',
        'metadata-cache:negative-ttl-secs:0',
      ]),
    );
    const deployment = ofKind<Deployment>(manifests, 'Deployment').find(
      ({ metadata }) => metadata.name === 'reporting',
    );
    expect(deployment?.spec.template.metadata.annotations).toMatchObject({ 'gke-gcsfuse/volumes': 'true' });
  });
});
