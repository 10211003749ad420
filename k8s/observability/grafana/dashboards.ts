import { system } from '../../../scripts/system.ts';
import { business } from './business.ts';
import { overview } from './overview.ts';
import type { Dashboard } from './panels.ts';
import { platform } from './platform.ts';
import { type ServiceShape, serviceDashboard } from './service.ts';

const services = Object.entries(system).map(
  ([name, { help, store, eventsTo, jobs }]): ServiceShape => ({
    name,
    help,
    hasStore: store !== 'none',
    hasOutbox: eventsTo.length > 0,
    hasJobs: jobs,
  }),
);

/** All dashboards. `node k8s/observability/grafana/build.ts` writes them to files. */
export const dashboards: Dashboard[] = [overview, ...services.map(serviceDashboard), platform, business];
