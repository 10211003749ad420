import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ServiceProcess, startService } from '../../scripts/service-process.ts';
import { type ServiceSpec, topology } from '../../scripts/topology.ts';
import { freePorts } from '../support/ports.ts';
import { table, writeReport } from './report.ts';
import { median } from './statistics.ts';

const rounds = 9;
const secrets = {
  adminEmail: 'admin@slipway.example',
  adminPassword: 'a password of the bench',
  serviceToken: 'the service token of the bench',
};

/** What a start took: until the service said that it serves, and until then of its own CPU; and its memory. */
type Started = { ms: number; cpuMs: number; megabytes: number };

/** How long services take from their start to being ready, one by one and all four, and what memory they hold. */
export async function start(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-bench-'));
  const specs = topology({ dataDir: folder, ports: await freePorts(), secrets });
  // Zipkin is not there: the cost of loading the OpenTelemetry SDK is what is looked at.
  const settings = {
    'no exporter': {},
    'compile cache': { NODE_COMPILE_CACHE: join(folder, 'compile-cache') },
    'compile cache, zipkin': {
      NODE_COMPILE_CACHE: join(folder, 'compile-cache'),
      OTEL_TRACES_EXPORTER: 'zipkin',
    },
  };
  try {
    const rows: string[][] = [];
    for (const [name, env] of Object.entries(settings)) rows.push(...(await measureStarts(name, specs, env)));
    writeReport('start', table(['', 'ready after, ms', 'of it own CPU, ms', 'resident, MB'], rows));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureStarts(
  name: string,
  specs: ServiceSpec[],
  env: Record<string, string>,
): Promise<string[][]> {
  await startTogether(specs, env); // Makes the databases, and fills the compile cache.
  const rows: string[][] = [];
  for (const spec of specs) {
    const started: Started[] = [];
    for (let round = 0; round < rounds; round += 1) started.push(await startTogether([spec], env));
    rows.push(row(`${spec.name}, ${name}`, started));
    process.stdout.write(`  ${spec.name}, ${name}\n`);
  }
  const together: Started[] = [];
  for (let round = 0; round < rounds; round += 1) together.push(await startTogether(specs, env));
  return [...rows, row(`**all four at once, ${name}**`, together)];
}

/** Starts services at the same moment, and stops them when the last is ready. */
async function startTogether(specs: ServiceSpec[], env: Record<string, string>): Promise<Started> {
  const startedAt = performance.now();
  const quickly = { DRAIN_DELAY_MS: '0', ...env };
  const running = specs.map((spec) =>
    startService({ ...spec, settings: { ...spec.settings, ...quickly } }, process.env, () => undefined),
  );
  try {
    await Promise.all(running.map(({ ready }) => ready));
    const ms = performance.now() - startedAt;
    const used = running.map(usageOf);
    const sum = (of: (usage: Usage) => number) => used.map(of).reduce((total, each) => total + each, 0);
    return { ms, cpuMs: sum(({ cpuMs }) => cpuMs), megabytes: sum(({ megabytes }) => megabytes) };
  } finally {
    for (const { kill } of running) kill('SIGTERM');
    await Promise.all(running.map(({ exited }) => exited));
  }
}

type Usage = { cpuMs: number; megabytes: number };

/** What the kernel has counted for a process (Linux). */
function usageOf({ child }: ServiceProcess): Usage {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const ticks = Number(fields[11]) + Number(fields[12]);
  const pages = Number(readFileSync(`/proc/${child.pid}/statm`, 'utf8').split(' ')[1]);
  return { cpuMs: ticks * 10, megabytes: (pages * 4_096) / 1e6 };
}

function row(name: string, started: Started[]): string[] {
  const middle = (of: (each: Started) => number) => median(started.map(of)).toFixed(0);
  return [name, middle(({ ms }) => ms), middle(({ cpuMs }) => cpuMs), middle(({ megabytes }) => megabytes)];
}
