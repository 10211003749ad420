import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startService } from '../../scripts/service-process.ts';
import { type ServiceSpec, topology } from '../../scripts/topology.ts';
import { freePorts } from '../support/ports.ts';
import { type Usage, usageOf } from './process-usage.ts';
import { table, writeReport } from './report.ts';
import { median } from './statistics.ts';

const rounds = 9;
const secrets = {
  adminEmail: 'admin@slipway.example',
  adminPassword: 'a password of the bench',
  serviceToken: 'the service token of the bench',
  managementToken: 'token-of-an-operator',
};

/** The cost of a start: time and CPU until the service reports that it serves, and its memory then. */
type Started = { ms: number; cpuMs: number; megabytes: number };

/** How long services take from their start to being ready, one by one and all four, and what memory they hold. */
export async function start(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-bench-'));
  const specs = topology({ dataDir: folder, ports: await freePorts(), secrets });
  // Zipkin is not there: what is looked at is the loading of the OpenTelemetry SDK.
  const settings = {
    'as `npm start`': {},
    'with OTEL_TRACES_EXPORTER=zipkin': { OTEL_TRACES_EXPORTER: 'zipkin' },
    'without a compile cache': { NODE_DISABLE_COMPILE_CACHE: '1' },
  };
  try {
    const rows: string[][] = [];
    for (const [name, env] of Object.entries(settings)) rows.push(...(await measureStarts(name, specs, env)));
    writeReport('start', table(['', 'ready after, ms', 'its own CPU, ms', 'memory, MB'], rows));
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
  const settings = { DRAIN_DELAY_MS: '0', ...env };
  const running = specs.map((spec) =>
    startService({ ...spec, settings: { ...spec.settings, ...settings } }, process.env, () => undefined),
  );
  try {
    await Promise.all(running.map(({ ready }) => ready));
    const ms = performance.now() - startedAt;
    return { ms, ...together(running.map(({ child }) => usageOf(child.pid ?? 0))) };
  } finally {
    for (const { kill } of running) kill('SIGTERM');
    await Promise.all(running.map(({ exited }) => exited));
  }
}

/** The pages of the node program itself are in memory once, however many processes run it. */
function together(usages: Usage[]): Omit<Started, 'ms'> {
  const sum = (values: number[]) => values.reduce((total, each) => total + each, 0);
  return {
    cpuMs: sum(usages.map(({ cpuMs }) => cpuMs)),
    megabytes:
      sum(usages.map(({ ownMegabytes }) => ownMegabytes)) +
      Math.max(...usages.map(({ sharedMegabytes }) => sharedMegabytes)),
  };
}

function row(name: string, started: Started[]): string[] {
  const middle = (of: (each: Started) => number) => median(started.map(of)).toFixed(0);
  return [name, middle(({ ms }) => ms), middle(({ cpuMs }) => cpuMs), middle(({ megabytes }) => megabytes)];
}
