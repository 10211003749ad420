import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { run } from './tools.ts';

const k8s = fileURLToPath(new URL('../../k8s', import.meta.url));

export type Manifest = {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Labels; annotations?: Labels };
  data?: Labels;
};

export type Labels = Record<string, string>;

/** Renders a folder of `k8s` by kustomize, as it would be applied. */
export function renderText(folder: string): string {
  return run('kubectl', ['kustomize', join(k8s, folder)]);
}

/** The same, with optional components on top, such as a mesh. */
export function renderWith(folder: string, components: string[]): string {
  const root = mkdtempSync(join(tmpdir(), 'slipway-manifests-'));
  const from = (path: string) => relative(root, join(k8s, path));
  const kustomization = {
    resources: [from(folder)],
    components: components.map((name) => from(`components/${name}`)),
  };
  try {
    writeFileSync(join(root, 'kustomization.yaml'), JSON.stringify(kustomization));
    return run('kubectl', ['kustomize', root]);
  } finally {
    rmSync(root, { recursive: true });
  }
}

export function parse(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}

/**
 * The rendered objects of one kind.
 *
 * @example
 * ofKind<Deployment>(manifests, 'Deployment').map(({ metadata }) => metadata.name);
 */
export function ofKind<T extends Manifest>(manifests: Manifest[], kind: string): T[] {
  return manifests.filter((each) => each.kind === kind) as T[];
}
