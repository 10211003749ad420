/**
 * Sends generated requests to every operation of a running system, and hostile bodies: `npm run fuzz`. Needs Python 3.
 *
 * schemathesis generates the requests from the OpenAPI document. No response may be a 5xx or differ from its contract,
 * wrong input must be rejected, and the event loop must go on under a hostile body. Exits with 1 if something was found.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openTarget } from '../support/target.ts';
import { attackAll } from './hostile.ts';

/** Pinned: another version generates other requests. */
const schemathesis = 'schemathesis==4.32.5';
const tools = join(import.meta.dirname, '../../node_modules/.cache/schemathesis');

/** Installs schemathesis once, in a Python environment of its own. */
function install(): string {
  const program = join(tools, 'bin', 'schemathesis');
  if (existsSync(program)) return program;
  execFileSync('python3', ['-m', 'venv', tools], { stdio: 'inherit' });
  execFileSync(join(tools, 'bin', 'pip'), ['install', '--quiet', schemathesis], { stdio: 'inherit' });
  return program;
}

const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
];

const program = install();
const env = {
  ...process.env,
  SCHEMATHESIS_HOOKS: join(import.meta.dirname, 'hooks.py'),
  PYTHONDONTWRITEBYTECODE: '1',
};
const target = await openTarget({
  RATE_LIMIT: '1000000',
  RATE_LIMIT_SIGN_IN: '1000000',
  // A generated fault or load would make the other operations fail; without the token, none starts.
  EXPERIMENTS_TOKEN: '',
});
const authorization = `authorization: Bearer ${await target.adminToken()}`;
const failed: string[] = [];
for (const phase of ['fuzzing', 'coverage']) {
  const run = spawn(program, optionsFor(phase), { stdio: 'inherit', env });
  const [code] = await once(run, 'exit');
  if (code !== 0) failed.push(phase);
}
if (failed.length > 0) await printRejections(target.managements);
await target.close();
for (const sentence of await attackAll()) {
  console.error(sentence);
  failed.push('hostile input');
}
process.exitCode = failed.length > 0 ? 1 : 0;

/** Prints how many requests each service has rejected and why, because a 503 does not name the reason. */
async function printRejections(managements: Record<string, string>): Promise<void> {
  for (const [name, address] of Object.entries(managements)) {
    console.log(name, await rejectionsOf(address).catch(String));
  }
}

async function rejectionsOf(management: string): Promise<string[]> {
  const response = await fetch(`${management}/metrics`, { signal: AbortSignal.timeout(5_000) });
  return (await response.text()).match(/^http_server_requests_rejected_total.* [1-9]\d*$/gm) ?? [];
}

function optionsFor(phase: string): string[] {
  return [
    ...['run', `${target.base}/api/v1/openapi.json`, '--url', target.base, '--header', authorization],
    ...['--phases', phase, '--checks', checks.join(','), '--max-examples', '40', '--max-time', '60'],
    // One worker: with two threads, Python 3.11 sometimes fails to parse its own sources (recursion depth mismatch).
    ...['--seed', '1', '--workers', '1', '--request-timeout', '15', '--warnings', 'off', '--no-color'],
    // The administrator must live on, and schemathesis writes no NDJSON (billing's own tests do).
    ...['deleteMe', 'closeAccount', 'importUsage'].flatMap((id) => ['--exclude-operation-id', id]),
    // Its response has no end.
    ...['--exclude-operation-id', 'streamSystem'],
  ];
}
