/** The labs, each with the commands of its page, against `npm start`. Runs with REQUIRE_LABS=1, for it takes minutes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { serviceNames } from '../../scripts/system.ts';
import { root } from '../docs/decisions.ts';
import { runsOf } from '../docs/fences.ts';
import { runPage } from '../docs/run-page.ts';
import { freePorts } from '../support/ports.ts';
import { isLab } from './pages.ts';

const { REQUIRE_LABS } = process.env;
/** Milliseconds; a page has 240 s of them, and then its message. */
const limit = 260_000;

describe.skipIf(!REQUIRE_LABS)('the commands of a lab (needs REQUIRE_LABS=1)', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'slipway-labs-'));
  let start: ChildProcess | undefined;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    const ports = await freePorts();
    const variables = serviceNames.flatMap((name) => [
      [`${name.toUpperCase()}_PORT`, String(ports[name].port)],
      [`${name.toUpperCase()}_MANAGEMENT_PORT`, String(ports[name].management)],
    ]);
    env = { ...process.env, ...Object.fromEntries(variables), DATA_DIR: dataDir };
    start = await startSlipway(env);
  }, limit);
  afterAll(async () => {
    if (start?.exitCode === null) {
      start.kill('SIGTERM');
      await once(start, 'exit');
    }
    rmSync(dataDir, { recursive: true });
  }, limit);

  const labs = runsOf('processes').filter(([page]) => isLab(page));
  it.each(labs)('run in %s', { timeout: limit }, async (_page, fences) => {
    await runPage(fences, { ports: {}, env });
  });
});

/** What `npm start` runs. Resolves when all services are ready. */
async function startSlipway(env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const program = spawn(process.execPath, ['scripts/start.ts'], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface(program.stdout)) if (line.startsWith('Slipway is up')) break;
  program.stdout.resume();
  return program;
}
