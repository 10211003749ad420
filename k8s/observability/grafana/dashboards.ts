import { business } from './business.ts';
import { overview } from './overview.ts';
import type { Dashboard } from './panels.ts';
import { platform } from './platform.ts';
import { type ServiceShape, serviceDashboard } from './service.ts';

const base = { hasStore: true, hasOutbox: false, hasJobs: false };

const services: ServiceShape[] = [
  { ...base, name: 'gateway', help: 'The only public entry point.', hasStore: false },
  { ...base, name: 'users', help: 'Accounts and authentication.', hasOutbox: true },
  {
    ...base,
    name: 'billing',
    help: 'Plans, subscriptions, usage, invoices, payments.',
    hasOutbox: true,
    hasJobs: true,
  },
  { ...base, name: 'reporting', help: 'Reports, counted from events.', hasJobs: true },
];

/** All dashboards. `node k8s/observability/grafana/build.ts` writes them to files. */
export const dashboards: Dashboard[] = [overview, ...services.map(serviceDashboard), platform, business];
