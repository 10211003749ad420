import { eventSchemas } from '@slipway/contracts/events';
import { getKeys } from '@slipway/contracts/users';
import { createClient } from '@slipway/platform/calls/client';
import { inboxOutcomes, registerInbox } from '@slipway/platform/events/inbox';
import { registerAuthentication } from '@slipway/platform/http/authentication';
import { defineService } from '@slipway/platform/service/service';
import { countBy } from '@slipway/platform/telemetry/declare';
import { createJob } from '@slipway/platform/telemetry/jobs';
import packageJson from '../package.json' with { type: 'json' };
import { settings } from './config.ts';
import { registerEventRoutes } from './routes/events.ts';
import { registerReportRoutes } from './routes/reports.ts';
import { openStore } from './store/open.ts';

/** The reporting service: counts the events of the other services, and reports the figures. */
export const reporting = defineService({
  name: 'reporting',
  version: packageJson.version,
  settings,
  openStore: ({ STORE_URL }) => openStore(STORE_URL),
  register(app, { settings, store, log, metrics, upstream, shareBy }) {
    const users = createClient(upstream('users', settings.USERS_URL), { getKeys });
    registerAuthentication(app, {
      readKeys: () => users.getKeys(),
      shareBy,
      serviceToken: settings.SERVICE_TOKEN,
      jobToken: settings.JOB_TOKEN,
    });
    const events = {
      name: 'reporting_events_total',
      help: 'Events delivered to this service; every delivery counts',
    };
    const counts = countBy(metrics, events, 'outcome', inboxOutcomes);
    const inbox = registerInbox(app, { schemas: eventSchemas, store, log, counts });
    registerReportRoutes(app, { store, rebuildJob: createJob(metrics, 'reporting-rebuild') });
    registerEventRoutes(app, { store, inbox });
  },
});
