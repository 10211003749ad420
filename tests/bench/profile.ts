import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { logIn } from '@slipway/contracts/users';
import { createPasswords } from '@slipway/users/passwords';
import { createProgress } from '../../scripts/demo/progress.ts';
import { stepCount, tellStory } from '../../scripts/demo/story.ts';
import type { ServiceName } from '../../scripts/system.ts';
import { ok } from '../support/http.ts';
import { newPerson } from '../support/people.ts';
import { type System, startSystem } from '../support/system.ts';
import { costsIn } from './cpu-profile.ts';
import { usageOf } from './process-usage.ts';
import { table, writeReport } from './report.ts';

const folder = fileURLToPath(new URL('../../reports/profiles/', import.meta.url));
/** The demo as `npm run demo` has it, with more people: most of its time should not be the import. */
const demo = { seed: 'slipway', users: 60, records: 200_000 };
const listed = 5;
const logIns = 100;

/** A period on the monotonic clock of the system, which profiles use, too; microseconds. */
type Period = { from: number; to: number };
type Pids = [ServiceName, number][];

/** Writes a CPU profile of each service under the load of the demo, and names its largest costs on the page. */
export async function profile(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const limits = { RATE_LIMIT: '1000000000', RATE_LIMIT_SIGN_IN: '1000000000' };
  writeReport('log-in', await withSystem(limits, costOfLogIns), 'profile');

  const env = { ...limits, NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${folder}` };
  const { pids, period } = await withSystem(env, runDemo);
  const rows = pids.flatMap(([name, pid]) => {
    const file = `${folder}${name}.cpuprofile`;
    renameSync(`${folder}${profileOf(pid)}`, file);
    const costs = costsIn(file, period).slice(0, listed);
    return costs.map(({ what, share }) => [name, what, `${(share * 100).toFixed(1)} %`]);
  });
  writeReport('profile', table(['service', 'cost', 'of its CPU'], rows));
  process.stdout.write(`  The profiles are in ${folder}\n`);
}

async function withSystem<T>(env: Record<string, string>, work: (system: System) => Promise<T>): Promise<T> {
  const system = await startSystem({ env });
  try {
    return await work(system);
  } finally {
    await system.stop();
  }
}

/** Runs the demo; a service writes its profile when it stops. */
async function runDemo(system: System): Promise<{ pids: Pids; period: Period }> {
  const { base, admin, services } = system;
  const pids = Object.entries(services).map(([name, { pid }]) => [name, pid]) as Pids;
  const from = monotonic();
  const checks = await tellStory(
    { base, admin, ...demo },
    createProgress(process.stdout, stepCount),
    AbortSignal.timeout(300_000),
  );
  for (const { what, holds } of checks) if (!holds) throw new Error(`Not in the demo: ${what}`);
  return { pids, period: { from, to: monotonic() } };
}

const monotonic = () => Number(process.hrtime.bigint() / 1_000n);

/** Finds the profile of a process: Node writes its id into the name. */
function profileOf(pid: number): string {
  const found = readdirSync(folder).find((name) => name.split('.')[3] === String(pid));
  if (!found) throw new Error(`The process ${pid} has written no profile into ${folder}`);
  return found;
}

/** The CPU of a log-in in the services that it passes, and that of the same password check alone. */
async function costOfLogIns({ base, services: { gateway, users } }: System): Promise<string[]> {
  const { email, password } = await newPerson(base);
  const logInOnce = () => ok(base, logIn, { body: { email, password } });
  await repeat(logInOnce); // For the compiler.
  const before = [usageOf(users.pid).cpuMs, usageOf(gateway.pid).cpuMs] as const;
  await repeat(logInOnce);
  const usersMs = (usageOf(users.pid).cpuMs - before[0]) / logIns;
  const gatewayMs = (usageOf(gateway.pid).cpuMs - before[1]) / logIns;
  const argon2Ms = await costOfPasswordCheck(password);
  const row = (what: string, ms: number) => [what, ms.toFixed(2), `${((ms / usersMs) * 100).toFixed(0)} %`];
  return table(
    ['one log-in', 'CPU, ms', 'of the CPU of users'],
    [row('users', usersMs), row('argon2id alone', argon2Ms), row('the gateway', gatewayMs)],
  );
}

async function costOfPasswordCheck(password: string): Promise<number> {
  const passwords = createPasswords();
  const hash = await passwords.hash(password);
  const before = process.cpuUsage();
  await repeat(() => passwords.verify(password, hash));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / logIns;
}

async function repeat(work: () => Promise<unknown>): Promise<void> {
  for (let count = 0; count < logIns; count += 1) await work();
}
