import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { appOf, compileCache } from '../../scripts/service-process.ts';
import { type ServiceSpec, topology } from '../../scripts/topology.ts';
import { freePorts } from '../support/ports.ts';
import { firstRequests } from './first-requests.ts';
import { table, writeReport } from './report.ts';
import { startOfImages } from './start-image.ts';
import { medianOf, type Program, type Started, startTogether } from './started.ts';

const rounds = 3;
const secrets = {
  adminEmail: 'admin@slipway.example',
  adminPassword: 'a password of the bench',
  serviceToken: 'the service token of the bench',
  managementToken: 'token-of-an-operator',
  experimentsToken: 'token-of-the-experiments',
};

/** How long services take from their start to being ready, from sources and as images hold them. */
export async function start(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-bench-'));
  try {
    const specs = topology({ dataDir: folder, ports: await freePorts(), secrets });
    writeReport('start-image', await startOfImages(specs), 'start');
    writeReport('start-first-requests', await firstRequests(specs), 'start');
    writeReport('start', await startOfSources(specs));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Measures services from their sources, one by one and all four. */
async function startOfSources(specs: ServiceSpec[]): Promise<string[]> {
  // Zipkin is not there: what is looked at is the loading of the OpenTelemetry SDK.
  const settings = {
    'as `npm start`': {},
    'with OTEL_TRACES_EXPORTER=zipkin': { OTEL_TRACES_EXPORTER: 'zipkin' },
    'without a compile cache': { NODE_DISABLE_COMPILE_CACHE: '1' },
  };
  const rows: string[][] = [];
  for (const [name, env] of Object.entries(settings)) rows.push(...(await measureStarts(name, specs, env)));
  return table(['', 'ready after, ms', 'its own CPU, ms', 'memory, MB'], rows);
}

async function measureStarts(
  name: string,
  specs: ServiceSpec[],
  env: Record<string, string>,
): Promise<string[][]> {
  const programs = specs.map((spec) => fromSources(spec, env));
  await startTogether(programs); // Makes the databases, and fills the compile cache.
  const rows: string[][] = [];
  for (const program of programs) {
    rows.push(row(`${program.name}, ${name}`, await repeat([program])));
    process.stdout.write(`  ${program.name}, ${name}\n`);
  }
  return [...rows, row(`**all four at once, ${name}**`, await repeat(programs))];
}

const fromSources = ({ name, settings }: ServiceSpec, env: Record<string, string>): Program => ({
  name,
  main: appOf(name),
  env: { NODE_COMPILE_CACHE: compileCache, ...settings, ...env },
});

async function repeat(programs: Program[]): Promise<Started> {
  const started: Started[] = [];
  for (let round = 0; round < rounds; round += 1) started.push(await startTogether(programs));
  return medianOf(started);
}

const row = (name: string, { ms, cpuMs, megabytes }: Started) => [
  name,
  ...[ms, cpuMs, megabytes].map((figure) => figure.toFixed(0)),
];
