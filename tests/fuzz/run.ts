import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openTarget } from '../support/target.ts';

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
  'ignored_auth',
  'unsupported_method',
];

const program = install();
const target = await openTarget({ RATE_LIMIT: '1000000', RATE_LIMIT_SIGN_IN: '1000000' });
const { status } = spawnSync(
  program,
  [
    ...['run', `${target.base}/api/v1/openapi.json`, '--url', target.base],
    ...['--header', `authorization: Bearer ${await target.adminToken()}`],
    ...['--checks', checks.join(','), '--phases', 'examples,coverage,fuzzing'],
    ...['--max-examples', '30', '--seed', '1', '--workers', '2', '--max-time', '240'],
    ...['--request-timeout', '15', '--exclude-operation-id', 'deleteMe', '--no-color'],
  ],
  { stdio: 'inherit' },
);
await target.close();
process.exit(status ?? 1);
