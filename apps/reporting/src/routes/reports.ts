import {
  getRecurring,
  getRevenue,
  getSignUps,
  getTopUsage,
  RecurringRow,
  RevenueRow,
  rebuild as rebuildOperation,
  SignUpsRow,
  TopUsageRow,
} from '@slipway/contracts/reporting';
import type { App } from '@slipway/platform/core/app';
import type { FigureStore } from '../figures.ts';
import { rebuild } from '../rebuild.ts';
import { recurring, revenue, signUps, topUsage } from '../reports.ts';
import { sendReport } from './send-report.ts';

type Parts = { store: FigureStore };

/** Registers the routes of the reports, and of the rebuild of their figures. */
export function registerReportRoutes(app: App, { store }: Parts): void {
  app.route({
    ...getRevenue,
    handler: (request, reply) => sendReport(request, reply, RevenueRow, revenue(store, request.query)),
  });
  app.route({
    ...getRecurring,
    handler: (request, reply) => sendReport(request, reply, RecurringRow, recurring(store)),
  });
  app.route({
    ...getSignUps,
    handler: (request, reply) => sendReport(request, reply, SignUpsRow, signUps(store, request.query)),
  });
  app.route({
    ...getTopUsage,
    handler: (request, reply) => sendReport(request, reply, TopUsageRow, topUsage(store, request.query)),
  });
  app.route({ ...rebuildOperation, handler: () => rebuild(store) });
}
