/**
 * Measures Slipway and writes the results into docs/benchmarks.md.
 *
 *   npm run bench                   all benches, some minutes
 *   npm run bench -- request-cost   one of them
 *   npm run bench -- analytics --millions=20   one of them, with its options
 */
import { analytics } from './analytics.ts';
import { consoleCosts } from './console.ts';
import { filesCrossed } from './files-crossed.ts';
import { gateway } from './gateway.ts';
import { jobs } from './jobs.ts';
import { rejections } from './overload/rejection.ts';
import { overload } from './overload.ts';
import { profile } from './profile.ts';
import { requestCost } from './request-cost.ts';
import { start } from './start.ts';
import { stores } from './stores.ts';
import { tracing } from './tracing.ts';
import { trouble } from './trouble.ts';

const benches: Record<string, (options: string[]) => Promise<void>> = {
  'request-cost': requestCost,
  tracing,
  start,
  gateway,
  stores,
  jobs,
  analytics,
  overload,
  rejections,
  trouble,
  console: consoleCosts,
  profile,
  'files-crossed': filesCrossed,
};

const args = process.argv.slice(2);
const asked = args.filter((arg) => !arg.startsWith('--'));
const options = args.filter((arg) => arg.startsWith('--'));
const unknown = asked.filter((name) => !(name in benches));
if (unknown.length > 0) {
  process.stderr.write(
    `There is no bench ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}.\n`,
  );
  process.exit(1);
}
for (const [name, bench] of Object.entries(benches)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  process.stdout.write(`${name}\n`);
  await bench(options);
}
