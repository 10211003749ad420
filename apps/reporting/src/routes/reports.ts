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
import type { Job } from '@slipway/platform/telemetry/jobs';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FigureStore } from '../figures.ts';
import { chooseFormat, toCsv, toNdjson } from '../formats.ts';
import { rebuild } from '../rebuild.ts';
import { recurring, revenue, signUps, topUsage } from '../reports.ts';

type Parts = { store: FigureStore; rebuildJob: Job };

/** Registers the routes of the reports, and of the rebuild of their figures. */
export function registerReportRoutes(app: App, { store, rebuildJob }: Parts): void {
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
  app.route({ ...rebuildOperation, handler: () => rebuildJob(() => rebuild(store)) });
}

/**
 * Sends a report in the format that the client prefers. CSV and NDJSON are streamed.
 *
 * @param row the contract of a row, whose fields are the columns of CSV
 */
async function sendReport<Row extends Record<string, string | number>>(
  request: FastifyRequest,
  reply: FastifyReply,
  row: { properties: Record<keyof Row, unknown> },
  rows: AsyncIterable<Row>,
): Promise<{ items: Row[] }> {
  const format = chooseFormat(request.headers.accept);
  reply.header('vary', 'accept');
  if (format === 'application/json') return { items: await Array.fromAsync(rows) };
  const lines = format === 'text/csv' ? toCsv(Object.keys(row.properties), rows) : toNdjson(rows);
  return reply.type(`${format}; charset=utf-8`).send(lines);
}
