import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

export const root = join(import.meta.dirname, '../..');

const recordPattern = /^docs\/decisions\/\d{4}-[\w-]+\.md$/;

/** The index of all records. */
export const index = 'docs/decisions/README.md';

/** The head of a decision record. Missing fields are empty. */
export type DecisionRecord = { path: string; number: string; title: string; status: string; date: string };

/** A link or a mention, both as paths from the root of the repository. */
export type Reference = { from: string; to: string };

/** The README, the page for contributors and every page in `docs/`. */
export const pages = filesOf(['{README,CONTRIBUTING}.md', 'docs/**/*.md']);

const sources = filesOf([
  '{apps,libs,scripts,tests,k8s}/**/*.{ts,mjs,sql,sh,yml,yaml,env}',
  '{Dockerfile,docker-compose.yml,skaffold.yaml,skaffold.env,*.mjs,*.ts}',
]);

export const records: DecisionRecord[] = pages
  .filter((path) => recordPattern.test(path))
  .map((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    const [, number = '', title = ''] = text.match(/^# (\d{4}): (.+)\n/) ?? [];
    const [, status = ''] = text.match(/^- Status: (.+)$/m) ?? [];
    const [, date = ''] = text.match(/^- Date: (.+)$/m) ?? [];
    return { path, number, title, status, date };
  });

/** Every relative link of every page. */
export function links(): Reference[] {
  return pages.flatMap((from) => {
    const targets = matches(from, /\]\(([^)\s#]+)(?:#[^)\s]*)?\)/g);
    return targets
      .filter((target) => !/^[a-z]+:/.test(target))
      .map((target) => ({ from, to: relative(root, join(root, dirname(from), target)) }));
  });
}

/** Every file below `docs/` that source files, scripts or manifests name. */
export function mentionedFiles(): Reference[] {
  return sources.flatMap((from) =>
    matches(from, /(?<![\w.-]\/)(docs\/[\w/-]+\.(?:md|svg))/g).map((to) => ({ from, to })),
  );
}

/** Every record that source files, scripts or manifests name by its number, as in "decision 0001". */
export function mentionedNumbers(): { from: string; number: string }[] {
  return sources.flatMap((from) =>
    matches(from, /\bdecisions?[ /](\d{4})\b/g).map((number) => ({ from, number })),
  );
}

function matches(path: string, pattern: RegExp): string[] {
  return [...readFileSync(join(root, path), 'utf8').matchAll(pattern)].map(([, found = '']) => found);
}

function filesOf(patterns: string[]): string[] {
  return globSync(patterns, { cwd: root, exclude: ['**/node_modules/**', '**/node_modules'] }).sort();
}
