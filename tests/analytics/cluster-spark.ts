/** A namespace with k8s/overlays/local/spark, and with the claim that reporting has elsewhere. */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { stringify } from 'yaml';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const mountPath = '/var/lib/slipway/analytics';

export const namespace = 'slipway-spark';

/** Runs a command line in a folder, and resolves with its output. @throws with what it printed, if it fails */
export async function sh(command: string, cwd: string): Promise<string> {
  const options = { cwd, timeout: 600_000, maxBuffer: 2 ** 26 };
  const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', command], options);
  return stdout.trim();
}

/** The user and the group of reporting, who writes the export. */
const securityContext = {
  runAsNonRoot: true,
  runAsUser: 65532,
  runAsGroup: 65532,
  fsGroup: 65532,
  fsGroupChangePolicy: 'OnRootMismatch',
  seccompProfile: { type: 'RuntimeDefault' },
};

/** A pod that holds the volume, for `tar`. */
const files = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'files', namespace },
  spec: {
    securityContext,
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 0,
    containers: [
      {
        name: 'files',
        image: 'apache/spark:4.3.0',
        imagePullPolicy: 'IfNotPresent',
        command: ['sleep', 'infinity'],
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        volumeMounts: [{ name: 'analytics', mountPath }],
      },
    ],
    volumes: [{ name: 'analytics', persistentVolumeClaim: { claimName: 'analytics' } }],
  },
};

const claim = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'analytics', namespace },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
};

/** Pods that are restricted, and that the driver must not make: no executor, and one that mounts a Secret. */
const forbidden = {
  'no-executor.yaml': {
    ...files,
    metadata: { name: 'other', namespace, labels: { 'spark-app-selector': 'any' } },
  },
  'with-secret.yaml': {
    ...files,
    metadata: {
      name: 'other',
      namespace,
      labels: { 'spark-app-selector': 'any', 'app.kubernetes.io/name': 'spark-executor' },
    },
    spec: {
      ...files.spec,
      serviceAccountName: 'spark-executor',
      volumes: [...files.spec.volumes, { name: 'secrets', secret: { secretName: 'slipway-secrets' } }],
    },
  },
};

/** Writes a folder in which `kubectl apply -k k8s/overlays/local/spark` deploys to the namespace of the tests. */
export function writeOverlay(folder: string): void {
  const overlay = join(folder, 'k8s/overlays/local/spark');
  mkdirSync(overlay, { recursive: true });
  const original = relative(overlay, join(root, 'k8s/overlays/local/spark'));
  writeFileSync(join(overlay, 'kustomization.yaml'), stringify({ namespace, resources: [original] }));
  const slipway = readFileSync(join(root, 'k8s/namespace.yaml'), 'utf8');
  writeFileSync(join(folder, 'namespace.yaml'), slipway.replace('name: slipway\n', `name: ${namespace}\n`));
  writeFileSync(join(folder, 'volume.yaml'), [claim, files].map((each) => stringify(each)).join('---\n'));
  for (const [name, pod] of Object.entries(forbidden)) writeFileSync(join(folder, name), stringify(pod));
}

/** Copies a folder into the volume. */
export async function upload(folder: string): Promise<void> {
  const unpack = `kubectl --namespace=${namespace} exec -i files -- tar -C ${mountPath} -xf -`;
  await sh(`tar -cf - * | ${unpack}`, folder);
}

/** Copies Spark's answers out of the volume, into a folder of the same form. */
export async function downloadAnswers(folder: string): Promise<void> {
  const pack = `kubectl --namespace=${namespace} exec files -- tar -C ${mountPath} -cf - answers`;
  await sh(`${pack} | tar -xf -`, folder);
}

/** Lists files of the volume, whose paths match a pattern of the shell. */
export async function listVolume(pattern: string): Promise<string[]> {
  const list = `kubectl --namespace=${namespace} exec files -- sh -c 'ls -d ${mountPath}/${pattern} || true'`;
  return (await sh(list, dirname(root))).split('\n').filter(Boolean);
}
