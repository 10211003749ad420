import { business } from './business.ts';
import { overview } from './overview.ts';
import type { Dashboard } from './panels.ts';
import { platform } from './platform.ts';
import { type ServiceShape, serviceDashboard } from './service.ts';

const keeping = { hasStore: true, hasOutbox: false, hasJobs: false };

const services: ServiceShape[] = [
  { ...keeping, name: 'gateway', help: 'The one public door.', hasStore: false },
  { ...keeping, name: 'users', help: 'Accounts and authentication.', hasOutbox: true },
  { ...keeping, name: 'billing', help: 'Plans, usage, invoices, payments.', hasOutbox: true, hasJobs: true },
  { ...keeping, name: 'reporting', help: 'What happened, counted.', hasJobs: true },
];

/** All dashboards; `node k8s/observability/grafana/build.ts` writes them. */
export const dashboards: Dashboard[] = [overview, ...services.map(serviceDashboard), platform, business];
