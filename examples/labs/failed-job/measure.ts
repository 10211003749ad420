import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startReplica } from '../../support/replica.ts';
import { attemptsOf } from './report.ts';

/** Seconds for which the report is awaited after the repair. */
const limit = 15;

async function measure(program: string): Promise<string> {
  const scratch = mkdtempSync(join(tmpdir(), 'slipway-lab-'));
  const folder = join(scratch, 'reports');
  writeFileSync(folder, 'a file, where the program expects a folder');
  const env = { FOLDER: folder, STORE_URL: `sqlite:${join(scratch, 'jobs.db')}`, LOG_LEVEL: 'silent' };
  const replica = await startReplica(new URL(program, import.meta.url), env);
  while (!existsSync(attemptsOf(folder))) await wait(50);
  await wait(500);
  rmSync(folder);
  const repairedAt = performance.now();
  const passed = () => (performance.now() - repairedAt) / 1_000;
  while (!existsSync(join(folder, 'report.txt')) && passed() < limit) await wait(100);
  const found = existsSync(join(folder, 'report.txt'));
  const attempts = readFileSync(attemptsOf(folder), 'utf8').trim().split('\n').length;
  const seconds = passed().toFixed(0);
  replica.stop('SIGKILL');
  await replica.exited;
  rmSync(scratch, { recursive: true });
  const result = `${found ? 'the report is there' : 'no report'} ${seconds} s after the repair`;
  return `${program}: ${result}; attempts: ${attempts}`;
}

console.log((await Promise.all([measure('naive.ts'), measure('main.ts')])).join('\n'));
