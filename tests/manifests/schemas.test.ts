import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { servicesOn } from '../../scripts/system.ts';
import { foreignErrors, foreignKinds } from './foreign-kinds.ts';
import { parse, renderText, renderWith } from './render.ts';
import { executorPod } from './spark-pods.ts';
import { missingCluster, missingTools, pathOf, run } from './tools.ts';

const overlaysFolder = fileURLToPath(new URL('../../k8s/overlays', import.meta.url));

/** Every folder that Skaffold or kubectl may deploy. */
const folders = readdirSync(overlaysFolder, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('kustomization.yaml'))
  .map((path) => `overlays/${dirname(path)}`)
  // A component, which renders as a part of others only.
  .filter((path) => path !== 'overlays/local/small');

/** Findings of kube-score that are intended, each with its reason. */
const meant = {
  'container-image-pull-policy': 'tags are not moved, and a local cluster has no registry to pull from',
  'container-security-context-user-group-id':
    "other projects' images bring their own users, none of them root",
};

/** Schemas of the cluster's version, where they lie beside the program; else kubeconform fetches those it knows. */
function schemaLocation(): string[] {
  const { KUBECONFORM_SCHEMAS = join(dirname(pathOf('kubeconform') ?? ''), 'k8s-schemas') } = process.env;
  if (!existsSync(KUBECONFORM_SCHEMAS)) return [];
  return ['-schema-location', `${KUBECONFORM_SCHEMAS}/{{.ResourceKind}}{{.KindSuffix}}.json`];
}

function expectValid(text: string): void {
  const args = ['-strict', '-summary', '-skip', foreignKinds.join(','), ...schemaLocation()];
  expect(run('kubeconform', args, text)).toMatch(/Invalid: 0, Errors: 0/);
  expect(foreignErrors(parse(text))).toEqual([]);
}

/** @throws {Error} with what is critical. CPU has no limit on purpose: it would stop requests on an idle node. */
function score(text: string): void {
  const ignored = Object.keys(meant).flatMap((test) => ['--ignore-test', test]);
  run('kube-score', ['score', '--ignore-container-cpu-limit', ...ignored, '-o', 'ci', '-'], text);
}

const tools = missingTools('kubectl', 'kubeconform', 'kube-score');

describe.skipIf(tools)(`the manifests${tools && `, skipped: no ${tools}`}`, () => {
  it.each(folders)('of %s match the schemas', (folder) => expectValid(renderText(folder)));

  it.each(['overlays/local', 'overlays/gke'])(
    'of %s with a mesh and scaling by requests match them, too',
    (folder) => {
      expectValid(renderWith(folder, ['linkerd', 'request-scaling']));
    },
  );

  it('with a database outside of the cluster let each service that stores its data there reach it', () => {
    const text = renderWith('overlays/gke', ['external-mongodb']);
    expectValid(text);
    expect(text.match(/endPort: 27017/g)).toHaveLength(servicesOn('mongodb').length);
  });

  it.each(['overlays/local', 'overlays/gke'])(
    'of %s have nothing that kube-score finds critical',
    (folder) => {
      score(renderText(folder));
    },
  );

  it.each(['overlays/local/spark', 'overlays/gke/spark'])(
    'of %s make executors that match the schemas, too, and have nothing critical',
    (folder) => {
      const text = renderText(folder);
      const withExecutor = `${text}---\n${stringify(executorPod(parse(text)))}`;
      expectValid(withExecutor);
      score(withExecutor);
    },
  );

  it('are refused when a field is misspelt, so the checks above can fail', () => {
    const wrong = renderText('overlays/local/users').replace('minReadySeconds', 'minReadySecond');
    expect(() => expectValid(wrong)).toThrow(/minReadySecond/);
    const critical = renderText('overlays/local/users').replaceAll('readOnlyRootFilesystem: true', '');
    expect(() => score(critical)).toThrow(/writable root file/i);
  });
});

const noCluster = tools || missingCluster();

describe.skipIf(noCluster)(
  `the API server${noCluster && `, skipped: ${noCluster}`}`,
  { timeout: 120_000 },
  () => {
    it('takes the local overlay, and would let all of its pods run in a restricted namespace', () => {
      const answer = run('kubectl', ['apply', '--dry-run=server', '-f', '-'], renderText('overlays/local'));
      expect(answer).toMatch(/deployment.apps\/gateway .*server dry run/);
      expect(answer).not.toMatch(/Warning|would violate/);
    });
  },
);
