import type { InboxStore } from '@slipway/platform/events/inbox';
import type { JobStore } from '@slipway/platform/jobs/job-record';
import type { ServiceStore } from '@slipway/platform/service/service';
import type { EventPages } from '../analytics/event-pages.ts';
import type { FigureStore } from '../figures.ts';

/** Everything that reporting stores. `apply` stores an event and counts it in one atomic step. */
export type ReportingStore = ServiceStore & InboxStore & FigureStore & EventPages & { jobs: JobStore };
