/**
 * Shows the whole journey on real input and proves the figures: `npm run demo`.
 *
 *   --users 20          people who sign up
 *   --records 200000    usage records that they send together
 *   --seed slipway      the same seed makes the same input
 *   --base <address>    a system that runs already, such as http://127.0.0.1:8080; otherwise one is started
 *
 * Environment: DATA_DIR keeps the data of the started system (otherwise it is temporary); with --base,
 * ADMIN_EMAIL and ADMIN_PASSWORD of an administrator.
 *
 * Ends with exit code 0 if every figure agrees to the cent, else 1.
 */
import { parseArgs } from 'node:util';
import { onStopSignal } from '@slipway/platform/service/signals';
import { ownSystem } from './demo/own-system.ts';
import { createProgress, type Progress } from './demo/progress.ts';
import { type Check, type Options, stepCount, tellStory } from './demo/story.ts';
import { stopWithNpm } from './npm.ts';

/** Longest time that the demo takes; milliseconds. */
const longest = 20 * 60_000;

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

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`--${name} must be a whole number from ${least} to ${most}`);
}

async function main(process: NodeJS.Process): Promise<boolean> {
  const { base, ...size } = readOptions(process.argv.slice(2));
  const progress = createProgress(process.stdout, stepCount);
  const stop = new AbortController();
  const tooLong = setTimeout(() => stop.abort(new Error('It takes too long')), longest);
  tooLong.unref();
  const stopping = stop.signal;
  const endWatch = stopWithNpm(process);
  const interrupt = () => {
    endWatch();
    stop.abort(new Error('It was stopped'));
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
    if (keepData) progress.say(`\nData and logs are kept in ${system.dataDir}`);
    await system.stop({ keepData });
  }
}

/** @throws {Error} if nobody answers there: found out before a minute of repetitions. */
async function reached(base: string): Promise<string> {
  await fetch(base).catch((cause) => {
    throw new Error(`Nobody answers at ${base}`, { cause });
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
  process.stderr.write(`\nThe demo could not go on: ${(error as Error).message}\n`);
  process.exit(1);
}
