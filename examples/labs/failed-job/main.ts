import process from 'node:process';
import { Type } from '@slipway/contract-kit/type';
import { defineJob } from '@slipway/platform/jobs/job';
import { registerJobs } from '@slipway/platform/jobs/scheduler';
import { run } from '@slipway/platform/service/run';
import { defineService } from '@slipway/platform/service/service';
import { platformSettings } from '@slipway/platform/service/settings';
import { openSqlite } from '@slipway/store-sqlite/database';
import { jobsMigration, sqliteJobs } from '@slipway/store-sqlite/jobs';
import { writeReport } from './report.ts';

const reports = defineService({
  name: 'reports',
  version: '1.0.0',
  settings: Type.Object({
    ...platformSettings.properties,
    FOLDER: Type.String({ description: 'Where the reports are written' }),
    STORE_URL: Type.String({ description: 'Where the state of the job is stored' }),
  }),
  async openStore({ STORE_URL }) {
    const db = openSqlite(STORE_URL, [jobsMigration]);
    return { jobs: sqliteJobs(db), ping: async () => undefined, close: async () => db.close() };
  },
  register(app, { settings, store, ...context }) {
    const report = defineJob({
      name: 'report',
      schedule: 'R/2026-01-01T00:00:00/P1D',
      retries: 5,
      run: () => writeReport(settings.FOLDER),
    });
    registerJobs(app, { service: 'reports', jobs: [report], store: store.jobs, ...context });
  },
});

await run(reports, process);
