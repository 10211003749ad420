import type { DomainEvent } from '@slipway/contract-kit/event';
import { eventSchemas } from '@slipway/contracts/events';
import { jobs as jobOperations } from '@slipway/contracts/reporting';
import { getKeys } from '@slipway/contracts/users';
import { createClient } from '@slipway/platform/calls/client';
import { inboxOutcomes, registerInbox } from '@slipway/platform/events/inbox';
import { registerAuthentication } from '@slipway/platform/http/authentication';
import { registerJobRoutes } from '@slipway/platform/jobs/job-routes';
import { type Jobs, registerJobs } from '@slipway/platform/jobs/scheduler';
import { defineService } from '@slipway/platform/service/service';
import { countBy } from '@slipway/platform/telemetry/declare';
import packageJson from '../package.json' with { type: 'json' };
import { settings } from './config.ts';
import type { ReportedEvent } from './figures.ts';
import { reportingJobs } from './jobs.ts';
import { registerEventRoutes } from './routes/events.ts';
import { registerQuestionRoutes } from './routes/questions.ts';
import { registerReportRoutes } from './routes/reports.ts';
import { openStore } from './store/open.ts';

/** The reporting service: counts the events of the other services, and reports the figures. */
export const reporting = defineService({
  name: 'reporting',
  version: packageJson.version,
  settings,
  openStore: ({ STORE_URL }) => openStore(STORE_URL),
  register(app, { settings, store, log, metrics, tracing, lifecycle, upstream, shareBy }) {
    const users = createClient(upstream('users', settings.USERS_URL), { getKeys });
    registerAuthentication(app, {
      readKeys: () => users.getKeys(),
      shareBy,
      serviceToken: settings.SERVICE_TOKEN,
    });
    const events = {
      name: 'reporting_events_total',
      help: 'Events delivered to this service; every delivery counts',
    };
    const counts = countBy(metrics, events, 'outcome', inboxOutcomes);
    const { ANALYTICS_FOLDER: folder, ANALYTICS_MEMORY: memory } = settings;
    const analytics = folder === undefined ? undefined : { folder, memory };
    const jobs = registerJobs(app, {
      service: 'reporting',
      jobs: reportingJobs(store, analytics),
      store: store.jobs,
      leaseMs: settings.JOB_LEASE_MS,
      ...{ lifecycle, log, metrics, tracing },
    });
    const onApplied = (event: DomainEvent) => reportParent(jobs, event as ReportedEvent);
    const inbox = registerInbox(app, { schemas: eventSchemas, store, log, counts, onApplied });
    registerReportRoutes(app, { store });
    registerQuestionRoutes(app, analytics);
    registerEventRoutes(app, { store, inbox });
    registerJobRoutes(app, jobs, jobOperations);
  },
});

/** Tells the jobs that run after one of another service that it has succeeded. */
async function reportParent(jobs: Jobs, { source, type, data }: ReportedEvent): Promise<void> {
  if (type === 'job.succeeded') await jobs.reportParent(`${source}/${data.job}`, data.succeeded);
}
