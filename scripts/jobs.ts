/**
 * Shows and controls the jobs of a running system: `npm run jobs`.
 *
 *   npm run jobs                                   the jobs of all services
 *   npm run jobs -- history billing-cycle          its last runs, newest first
 *   npm run jobs -- run billing-cycle              run it now
 *   npm run jobs -- pause billing-cycle            begin no run of it
 *   npm run jobs -- resume billing-cycle
 *
 *   --json             the responses of the operations instead of tables
 *   --base <address>   a system, such as https://slipway.example; by default the one of `npm start`
 *
 * A job that two services have is named with its service, as `billing/idempotency-cleanup`.
 *
 * Environment: ADMIN_EMAIL and ADMIN_PASSWORD of an administrator. Without --base they are read from
 * <DATA_DIR>/secrets.json (./data), and the port from GATEWAY_PORT (8080).
 *
 * Exits with 1 if a request fails.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Call, logIn } from './client.ts';
import { findJob, fullName, type Listed, listJobs, operationsOn, type ServiceJob } from './jobs/jobs.ts';
import { jobsTable, runsTable } from './jobs/table.ts';
import { ensureSecrets } from './secrets.ts';
import { system } from './system.ts';

/** Time limit of the command; milliseconds. */
const timeLimit = 15_000;

type Shown = { json: unknown; text: string };

const actions: Record<string, (call: Call, job: ServiceJob) => Promise<Shown>> = {
  async history(call, job) {
    const runs = await call(operationsOn(job).listJobRuns, paramsOf(job));
    return { json: runs, text: runsTable(runs.items) };
  },
  async run(call, job) {
    const run = await call(operationsOn(job).runJob, paramsOf(job));
    return { json: run, text: `${fullName(job)}: run ${run.id} begins now` };
  },
  async pause(call, job) {
    const paused = await call(operationsOn(job).pauseJob, paramsOf(job));
    return { json: paused, text: `${fullName(job)} is paused` };
  },
  async resume(call, job) {
    const { service } = job;
    const resumed = await call(operationsOn(job).resumeJob, paramsOf(job));
    return { json: resumed, text: jobsTable([{ ...resumed, service }], Date.now()) };
  },
};

const paramsOf = ({ name }: ServiceJob) => ({ params: { job: name } });

const usage = 'Usage: npm run jobs [-- run|pause|resume|history <job>] [--json] [--base <address>]';

function readOptions(args: string[]) {
  const options = { json: { type: 'boolean', default: false }, base: { type: 'string' } } as const;
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  const [action, job, ...rest] = positionals;
  if (action !== undefined && (!Object.hasOwn(actions, action) || job === undefined || rest.length > 0))
    throw new Error(usage);
  return { ...values, act: action === undefined ? undefined : actions[action], job: job ?? '' };
}

async function main({ argv, env, stdout, stderr }: NodeJS.Process): Promise<boolean> {
  const { base: other, json, act, job } = readOptions(argv.slice(2));
  const base = (other ?? `http://127.0.0.1:${env.GATEWAY_PORT || system.gateway.port}`).replace(/\/+$/, '');
  const account = adminOf(env, other !== undefined);
  const call = await connect(base, account);
  const listed = await listJobs(call);
  const shown = act ? await act(call, findJob(listed, job)) : show(listed);
  stdout.write(`${json ? JSON.stringify(shown.json, undefined, 2) : shown.text}\n`);
  if (act) return true;
  for (const failure of listed.failures) stderr.write(`${failure}\n`);
  return listed.failures.length === 0;
}

const show = ({ jobs }: Listed): Shown => ({ json: { items: jobs }, text: jobsTable(jobs, Date.now()) });

/** @throws {Error} if there is no password. The one of `npm start` is sent to no other system. */
function adminOf(env: NodeJS.ProcessEnv, isOther: boolean): { email: string; password: string } {
  const { ADMIN_EMAIL: email, ADMIN_PASSWORD: password, DATA_DIR = 'data' } = env;
  if (email && password) return { email, password };
  if (isOther)
    throw new Error('With --base, set ADMIN_EMAIL and ADMIN_PASSWORD to those of an administrator.');
  const file = join(DATA_DIR, 'secrets.json');
  if (!existsSync(file))
    throw new Error(`There is no ${file}: run npm start first, or set ADMIN_EMAIL and ADMIN_PASSWORD.`);
  const { adminEmail, adminPassword } = ensureSecrets(DATA_DIR, env);
  return { email: adminEmail, password: adminPassword };
}

/** @throws {Error} that says whether nothing runs at the address, or the login failed. */
async function connect(base: string, account: { email: string; password: string }): Promise<Call> {
  const retry = { retryForMs: 0 };
  return logIn(base, account, AbortSignal.timeout(timeLimit), retry).catch((cause: Error) => {
    const isAway = cause instanceof TypeError || cause.name === 'TimeoutError';
    const reason = isAway ? `Nothing answers at ${base}. Is Slipway running (npm start)?` : undefined;
    throw new Error(reason ?? `The login of ${account.email} failed: ${cause.message}`, { cause });
  });
}

try {
  process.exitCode = (await main(process)) ? 0 : 1;
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
