/** A value that every overlay overwrites looks like a setting and is none: whoever changes it changes nothing. */
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { isPair, parseAllDocuments, visit } from 'yaml';
import { missingTools, run } from './tools.ts';

const k8s = fileURLToPath(new URL('../../k8s', import.meta.url));
const tools = missingTools('kubectl');

/** The fields that identify an object or a list item: a patch with other values would not apply. */
const identity = ['apiVersion', 'kind', 'name', 'labels', 'containerPort', 'port'];

/** Values in way-in.yaml that say where they come from: the overlay's values.env. */
const saysSo = /-in-values-env$/;

/** The values of a folder, each replaced by a mark of its own. */
class Marks {
  readonly values = new Map<string, string>();

  mark(file: string, path: string, value: unknown): string {
    const mark = `mark-${this.values.size}-`;
    if (!saysSo.test(String(value))) this.values.set(mark, `${file}: ${path}: ${value}`);
    return mark;
  }

  /** Returns the text of a YAML file with all its values replaced. */
  yaml(file: string, text: string): string {
    const documents = parseAllDocuments(text, { merge: true });
    for (const document of documents) {
      visit(document, {
        Scalar: (key, node, ancestors) => {
          const path = ancestors.filter(isPair).map((pair) => String(pair.key));
          if (key === 'key' || path.some((name) => identity.includes(name))) return;
          node.value = this.mark(file, path.join('.'), node.value);
        },
      });
    }
    return documents.join('');
  }

  env(file: string, text: string): string {
    return text.replace(/^(\w+)=(.*)$/gm, (_, name, value) => `${name}=${this.mark(file, name, value)}`);
  }
}

const name = `each value in k8s reaches what is deployed${tools && `, skipped: no ${tools}`}`;

it.skipIf(tools)(name, { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-settings-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  cpSync(k8s, folder, { recursive: true });
  const marks = new Marks();
  for (const file of globSync('{base,components,overlays}/**/*.{yaml,env}', { cwd: folder })) {
    if (file.endsWith('kustomization.yaml')) continue;
    const text = readFileSync(join(folder, file), 'utf8');
    const marked = file.endsWith('.env') ? marks.env(file, text) : marks.yaml(file, text);
    writeFileSync(join(folder, file), marked);
  }
  // The components that an operator may add to an overlay.
  const components = ['linkerd', 'request-scaling', 'external-mongodb'].map(
    (name) => `../components/${name}`,
  );
  mkdirSync(join(folder, 'more'));
  writeFileSync(
    join(folder, 'more/kustomization.yaml'),
    JSON.stringify({ resources: ['../overlays/gke'], components }),
  );
  const deployed = ['more', ...globSync('overlays/{local,gke}{,/spark}', { cwd: folder })]
    .concat(globSync('overlays/dev/*', { cwd: folder }))
    .map((path) => run('kubectl', ['kustomize', join(folder, path)]))
    .join();
  expect(marks.values.size).toBeGreaterThan(400);
  expect([...marks.values].flatMap(([mark, value]) => (deployed.includes(mark) ? [] : [value]))).toEqual([]);
});
