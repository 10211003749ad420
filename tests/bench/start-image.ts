import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { bundle } from '../../scripts/images/bundler.ts';
import type { ServiceSpec } from '../../scripts/topology.ts';
import { freePort } from '../support/ports.ts';
import { table } from './report.ts';
import { medianOf, type Program, type Started, startTogether } from './started.ts';

const rounds = 5;
/** Below node_modules, where the packages are found that are not bundled. */
const bundles = new URL('../../node_modules/.cache/slipway-bench/', import.meta.url);

const warm = fileURLToPath(new URL('../../scripts/images/warm.ts', import.meta.url));

/** As the Dockerfile sets them. */
const environment = {
  NODE_ENV: 'production',
  MALLOC_ARENA_MAX: '1',
  NODE_OPTIONS: '--enable-source-maps',
  NODE_COMPILE_CACHE: fileURLToPath(new URL('compile-cache', bundles)),
};

/** Bundles services as their images hold them, with their compile cache, and returns them as programs. */
export async function bundled(specs: ServiceSpec[]): Promise<Program[]> {
  rmSync(bundles, { recursive: true, force: true });
  const programs: Program[] = [];
  for (const { name, settings } of specs) {
    const folder = fileURLToPath(new URL(name, bundles));
    await bundle(name, folder);
    writeFileSync(`${folder}/package.json`, '{ "type": "module" }');
    execFileSync(process.execPath, [warm], {
      cwd: folder,
      env: { PATH: process.env.PATH, ...environment },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const main = new URL(`${name}/dist/main.js`, bundles);
    programs.push({ name, main, env: { ...environment, ...settings } });
  }
  return programs;
}

/** Returns Fastify alone, with the same compile cache. */
export const bareFastify = async (): Promise<Program> => ({
  name: 'bare Fastify',
  main: new URL('bare-fastify.ts', import.meta.url),
  env: { ...environment, PORT: String(await freePort()) },
});

/**
 * Compares starts of bundles with that of Fastify alone, in alternating rounds. Reporting is left out: without DuckDB,
 * which only its image has, it says nothing that the others do not.
 */
export async function startOfImages(specs: ServiceSpec[]): Promise<string[]> {
  const services = await bundled(specs.filter(({ name }) => name !== 'reporting'));
  const programs = [
    await bareFastify(),
    ...services.map((program) => ({ ...program, name: `${program.name}, without an exporter` })),
    ...services.map(({ name, main, env }) => ({
      name: `${name}, with OTEL_TRACES_EXPORTER=zipkin`,
      main,
      env: { ...env, OTEL_TRACES_EXPORTER: 'zipkin' },
    })),
  ];
  const started = new Map<string, Started[]>(programs.map(({ name }) => [name, []]));
  for (let round = -1; round < rounds; round += 1) {
    for (const program of programs) {
      const cost = await startTogether([program]);
      // The first round fills the compile cache of Fastify.
      if (round >= 0) started.get(program.name)?.push(cost);
    }
    process.stdout.write(`  round ${round + 1} of ${rounds}\n`);
  }
  const medians = [...started].map(([name, costs]) => ({ name, ...medianOf(costs) }));
  return table(['', 'ready after, ms', 'its own CPU, ms', '× bare Fastify', 'memory, MB'], medians.map(row));
}

function row(
  { name, ms, cpuMs, megabytes }: Started & { name: string },
  _index: number,
  [bare]: Started[],
): string[] {
  const ratio = (cpuMs / (bare?.cpuMs ?? 0)).toFixed(2);
  return [name, ms.toFixed(0), cpuMs.toFixed(0), ratio, megabytes.toFixed(0)];
}
