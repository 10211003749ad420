/** The hosted workflow and `.ci/run` prove the same. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

type Step = { run?: string; uses?: string };
type Job = {
  steps: Step[];
  env?: Record<string, string | number>;
  'timeout-minutes'?: number;
  permissions?: Record<string, string>;
  strategy?: { matrix: { tests: string[] } };
};
type Workflow = { permissions: Record<string, string>; jobs: Record<string, Job> };

const textOf = (path: string) => readFileSync(`${import.meta.dirname}/../../${path}`, 'utf8');
const ci = textOf('.ci/run');
const workflow = parse(textOf('.github/workflows/ci.yml'), { merge: true }) as Workflow;
const jobs = Object.values(workflow.jobs);

/** Every command of the workflow that tests or checks something, once for each value of a job's matrix. */
function hostedCommands(): string[] {
  const lines = jobs.flatMap(({ steps, strategy }) => {
    const commands = steps.map(({ run = '' }) => run);
    const values = strategy?.matrix.tests ?? [''];
    return values.flatMap((value) => commands.map((run) => run.replace(/\$\{\{ matrix\.tests \}\}/, value)));
  });
  return lines.filter((line) => /^npm (cit|test|run)\b|^npx vitest/.test(line));
}

/** The same commands of `.ci/run`, where `tier` stands for a command of its own. */
function ownCommands(): string[] {
  const [, tier = ''] = /^tier\(\) \{ step (.+); \}$/m.exec(ci) ?? [];
  const steps = ci.matchAll(/^ *(?:beside )?(step|tier) (npm .+|\w+.*)$/gm);
  return [...steps].map(([, kind, rest = '']) => {
    if (kind === 'step') return rest;
    const [folder = '', ...names] = rest.split(' ');
    return tier
      .replace('$1', folder)
      .replaceAll('"', '')
      .replace(/\$\{@:2\}/, names.join(' '))
      .trim();
  });
}

describe('the hosted workflow', () => {
  it('runs exactly the commands of .ci/run', () => {
    expect(ownCommands().length).toBeGreaterThan(10);
    expect(hostedCommands().sort()).toEqual(ownCommands().sort());
  });

  it('requests every test that .ci/run requests', () => {
    const requested = new Set(ci.match(/\b(REQUIRE|TEST)_[A-Z_]+[A-Z]\b/g));
    const set = jobs.flatMap(({ env = {} }) => Object.keys(env)).filter((name) => requested.has(name));
    expect(new Set(set)).toEqual(requested);
  });

  it('may read the repository and nothing else, pins actions by commit, and limits the time of each job', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    for (const { steps, permissions, ...job } of jobs) {
      expect(permissions).toBeUndefined();
      expect(job['timeout-minutes']).toBeGreaterThan(0);
      for (const { uses } of steps) if (uses) expect(uses).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
    }
  });
});
