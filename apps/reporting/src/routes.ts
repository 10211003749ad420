import { Readable } from 'node:stream';
import type { DomainEvent } from '@slipway/contract-kit/event';
import { problem } from '@slipway/contracts/errors';
import {
  deliverRefusedEvent,
  getRecurring,
  getRevenue,
  getSignUps,
  getTopUsage,
  listRefusedEvents,
  RecurringRow,
  RevenueRow,
  rebuild as rebuildOperation,
  SignUpsRow,
  TopUsageRow,
} from '@slipway/contracts/reporting';
import type { App } from '@slipway/platform/core/app';
import { fromCursor, toPage } from '@slipway/platform/core/pagination';
import type { Inbox, SetAsideEvent } from '@slipway/platform/events/inbox';
import type { Job } from '@slipway/platform/telemetry/jobs';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ReportStore } from './figures.ts';
import { chooseFormat, toCsv, toNdjson } from './formats.ts';
import { rebuild } from './rebuild.ts';
import { recurring, revenue, signUps, topUsage } from './reports.ts';

type Parts = { store: ReportStore; inbox: Inbox; rebuildJob: Job };

/** The reports, and the care of what they are counted from. */
export function registerRoutes(app: App, { store, inbox, rebuildJob }: Parts): void {
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

  app.route({
    ...listRefusedEvents,
    handler: async ({ query: { limit, cursor } }) => {
      const found = await store.refused(limit + 1, fromCursor(cursor));
      const { items, next } = toPage(found, limit, ({ event, at }) => ({ at, id: event.id }));
      return { items: items.map(toRefused), next };
    },
  });
  app.route({
    ...deliverRefusedEvent,
    handler: async ({ params: { eventId } }) => {
      const outcome = await inbox.redeliver(eventId);
      if (!outcome) throw problem('not_found', `No refused event has the id ${eventId}`);
      return outcome;
    },
  });
}

/** A refused event may lack anything, so what it lacks is shown as empty. */
function toRefused({ event, reason, at }: SetAsideEvent) {
  const { id, type, source } = event as Partial<DomainEvent>;
  return { id: String(id), type: String(type ?? ''), source: String(source ?? ''), reason, refusedAt: at };
}

/**
 * Answers with a report in the format the caller likes best; CSV and NDJSON as a stream.
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
  return reply.type(`${format}; charset=utf-8`).send(Readable.from(lines));
}
