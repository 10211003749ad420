import { execFileSync } from 'node:child_process';
import process from 'node:process';

/** Sorts imports and wraps lines, which depend on the service's name. */
export function format(name: string): void {
  const made = [`apps/${name}`, `libs/contracts/src/${name}.ts`, `tests/journeys/${name}.test.ts`];
  run('npx', ['biome', 'check', '--write', ...made]);
}

/**
 * Makes what is made from the table of the system: the dashboards, and the tables of the pages on settings and metrics. It
 * runs in processes of their own, because this one has loaded the table before.
 */
export function derive(): void {
  run('node', ['--import', './scripts/runtime.mjs', 'k8s/observability/grafana/build.ts']);
  // The docs' own tests write their tables, if they are asked to.
  run('npx', ['vitest', 'run', '--dir', 'tests/docs', 'tables', 'metrics'], { UPDATE_DOCS: '1' });
}

function run(command: string, args: string[], env: Record<string, string> = {}): void {
  try {
    execFileSync(command, args, { env: { ...process.env, ...env }, stdio: 'pipe', encoding: 'utf8' });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout ?? ''}${stderr ?? ''}`);
  }
}
