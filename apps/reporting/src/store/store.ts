import type { InboxStore } from '@slipway/platform/events/inbox';
import type { ServiceStore } from '@slipway/platform/service/service';
import type { FigureStore } from '../figures.ts';

/** Everything that reporting stores. `apply` stores an event and counts it in one atomic step. */
export type ReportingStore = ServiceStore & InboxStore & FigureStore;
