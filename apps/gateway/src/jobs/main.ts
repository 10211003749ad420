/**
 * Runs one job: `node src/jobs/main.ts billing-cycle`. Exit codes: 0 done, 1 work remains or failed, 2 wrong settings,
 * 143 stopped.
 */
import process from 'node:process';
import { createUpstream } from '@slipway/platform/calls/upstream';
import { readSettings, SettingsError } from '@slipway/platform/service/settings';
import { createLogs } from '@slipway/platform/telemetry/log';
import { createMetrics } from '@slipway/platform/telemetry/metrics';
import packageJson from '../../package.json' with { type: 'json' };
import { settings as schema } from './config.ts';
import { jobs } from './jobs.ts';

const [, , name = ''] = process.argv;
const { log } = createLogs(name || 'job', 'info');

async function main(): Promise<number> {
  const job = jobs[name];
  if (!job)
    throw new SettingsError([
      `The job '${name}' does not exist; the jobs are ${Object.keys(jobs).join(', ')}`,
    ]);
  const { JOB_TOKEN, BILLING_URL, REPORTING_URL } = readSettings(schema, process.env);
  const address = { billing: BILLING_URL, reporting: REPORTING_URL }[job.service];
  const metrics = createMetrics(name, packageJson.version);
  const service = createUpstream({ name: job.service, address, metrics, log });
  try {
    const { done, ...facts } = await job.run(service, JOB_TOKEN);
    log.info(facts, done ? 'done' : 'work remains');
    return done ? 0 : 1;
  } finally {
    await service.close();
  }
}

// Without a listener, the first process of a container ignores SIGTERM. A job can be stopped at any time.
process.once('SIGTERM', () => process.exit(143));

try {
  process.exitCode = await main();
} catch (error) {
  log.fatal({ err: error }, (error as Error).message);
  process.exitCode = error instanceof SettingsError ? 2 : 1;
}
