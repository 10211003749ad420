/**
 * Simulates a month of business on generated input and checks every figure: `npm run demo`.
 *
 *   --users 20          number of people who sign up
 *   --records 200000    total number of usage records
 *   --seed slipway      the same seed generates the same input
 *   --base <address>    a running system, such as http://127.0.0.1:8080; by default the demo starts one
 *
 * Environment: DATA_DIR is the folder for the data of the started system (by default a temporary folder). With --base,
 * ADMIN_EMAIL and ADMIN_PASSWORD are those of an administrator, and the system must run with BILLING_TEST_CLOCK=true.
 *
 * Exits with 0 if every figure agrees to the cent, otherwise with 1.
 */
import { parseArgs } from 'node:util';
import { onStopSignal } from '@slipway/platform/service/signals';
import { ownSystem } from './demo/own-system.ts';
import { createProgress, type Progress } from './demo/progress.ts';
import { type Check, type Options, stepCount, tellStory } from './demo/story.ts';
import { stopWithNpm } from './npm.ts';

/** Time limit of the demo; milliseconds. */
const timeLimit = 20 * 60_000;

function readOptions(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      users: { type: 'string', default: '20' },
      records: { type: 'string', default: '200000' },
      seed: { type: 'string', default: 'slipway' },
      base: { type: 'string' },
    },
  });
  const users = wholeNumber('users', values.users, 1, 1_000);
  return { ...values, users, records: wholeNumber('records', values.records, users, 100_000_000) };
}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new Error(`--${name} must be a whole number from ${min} to ${max}`);
}

async function main(process: NodeJS.Process): Promise<boolean> {
  const { base, ...size } = readOptions(process.argv.slice(2));
  const progress = createProgress(process.stdout, stepCount);
  const stop = new AbortController();
  const tooLong = setTimeout(() => stop.abort(new Error('The time limit has passed')), timeLimit);
  tooLong.unref();
  const stopping = stop.signal;
  const endWatch = stopWithNpm(process);
  const interrupt = () => {
    endWatch();
    stop.abort(new Error('The demo was stopped'));
  };
  if (base) {
    onStopSignal(process, interrupt, process.exit);
    return prove({ base: await reached(base), admin: adminOf(process.env), ...size }, progress, stopping);
  }
  const system = await ownSystem(process, progress.say);
  onStopSignal(process, interrupt, (code) => {
    system.kill();
    process.exit(code);
  });
  let agrees = false;
  try {
    await system.start();
    agrees = await prove({ base: system.base, admin: system.admin, ...size }, progress, stopping);
    return agrees;
  } finally {
    const keepData = !agrees && !stop.signal.aborted;
    if (keepData) progress.say(`\nThe data and the logs are in ${system.dataDir}`);
    await system.stop({ keepData });
  }
}

/** @throws {Error} if the address is unreachable; otherwise the demo would retry for 90 seconds first. */
async function reached(base: string): Promise<string> {
  await fetch(base).catch((cause) => {
    throw new Error(`${base} is unreachable`, { cause });
  });
  return base.replace(/\/+$/, '');
}

function adminOf({ ADMIN_EMAIL, ADMIN_PASSWORD }: NodeJS.ProcessEnv) {
  if (ADMIN_EMAIL && ADMIN_PASSWORD) return { email: ADMIN_EMAIL, password: ADMIN_PASSWORD };
  throw new Error('With --base, set ADMIN_EMAIL and ADMIN_PASSWORD to those of an administrator.');
}

async function prove(options: Options, progress: Progress, stopping: AbortSignal): Promise<boolean> {
  const checks = await tellStory(options, progress, stopping);
  for (const { what, holds } of checks) progress.say(`${holds ? 'yes' : 'NO '}  ${what}`);
  return checks.every(({ holds }: Check) => holds);
}

try {
  process.exit((await main(process)) ? 0 : 1);
} catch (error) {
  process.stderr.write(`\nThe demo failed: ${(error as Error).message}\n`);
  process.exit(1);
}
