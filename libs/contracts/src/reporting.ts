import type { Operation } from '@slipway/contract-kit/operation';
import { Page, PageQuery } from '@slipway/contract-kit/page';
import Type, { type Static, type TSchema } from 'typebox';
import { Amount, answers, Currency, Day, Id, Strict, Timestamp } from './schemas.ts';

const tags = ['reporting'];
const produces = ['application/json', 'text/csv', 'application/x-ndjson'];

/** The span of a report, both days included, and how its rows are grouped. */
const Span = Strict({
  by: Type.Enum(['day', 'month'], { default: 'day', description: 'A row for each day or month, in UTC' }),
  from: Type.Optional(Day),
  to: Type.Optional(Day),
});
export type Span = Static<typeof Span>;

const Period = Type.String({ description: 'YYYY-MM-DD or YYYY-MM, in UTC' });

export const RevenueRow = Type.Object({
  period: Period,
  planId: Id,
  currency: Currency,
  paid: Amount,
  refunded: Amount,
  net: Amount,
});
export type RevenueRow = Static<typeof RevenueRow>;

export const RecurringRow = Type.Object({
  planId: Id,
  currency: Currency,
  active: Type.Integer({ description: 'Subscriptions' }),
  monthlyRevenue: Amount,
});
export type RecurringRow = Static<typeof RecurringRow>;

export const SignUpsRow = Type.Object({ period: Period, signedUp: Type.Integer(), deleted: Type.Integer() });
export type SignUpsRow = Static<typeof SignUpsRow>;

export const TopUsageRow = Type.Object({
  subscriptionId: Id,
  userId: Id,
  quantity: Type.Integer(),
  records: Type.Integer(),
});
export type TopUsageRow = Static<typeof TopUsageRow>;

const Rows = <T extends TSchema>(row: T) => Type.Object({ items: Type.Array(row) });

export const getRevenue = {
  method: 'GET',
  url: '/api/v1/reports/revenue',
  schema: {
    operationId: 'getRevenue',
    summary: 'Payments less refunds by day or month, plan and currency',
    tags,
    produces,
    querystring: Span,
    response: answers({ 200: Rows(RevenueRow) }),
  },
  config: { access: 'admin', priority: 'batch' },
} as const satisfies Operation;

export const getRecurring = {
  method: 'GET',
  url: '/api/v1/reports/recurring',
  schema: {
    operationId: 'getRecurring',
    summary: 'Active subscriptions and their monthly recurring revenue, by plan and currency',
    tags,
    produces,
    response: answers({ 200: Rows(RecurringRow) }),
  },
  config: { access: 'admin', priority: 'batch' },
} as const satisfies Operation;

export const getSignUps = {
  method: 'GET',
  url: '/api/v1/reports/sign-ups',
  schema: {
    operationId: 'getSignUps',
    summary: 'Accounts made and deleted, by day or month',
    tags,
    produces,
    querystring: Span,
    response: answers({ 200: Rows(SignUpsRow) }),
  },
  config: { access: 'admin', priority: 'batch' },
} as const satisfies Operation;

export const getTopUsage = {
  method: 'GET',
  url: '/api/v1/reports/top-usage',
  schema: {
    operationId: 'getTopUsage',
    summary: 'The subscriptions that used most of a metric',
    tags,
    produces,
    querystring: Strict({
      metric: Id,
      limit: Type.Integer({ minimum: 1, maximum: 200, default: 10 }),
    }),
    response: answers({ 200: Rows(TopUsageRow) }),
  },
  config: { access: 'admin', priority: 'batch' },
} as const satisfies Operation;

export const rebuild = {
  method: 'POST',
  url: '/api/v1/reports/rebuild',
  schema: {
    operationId: 'rebuild',
    summary: 'Counts everything again from the stored events',
    description: '`equal` tells whether the running figures were the same; they are replaced either way.',
    tags,
    response: answers({ 200: Type.Object({ events: Type.Integer(), equal: Type.Boolean() }) }),
  },
  config: { access: 'admin', priority: 'batch', timeoutMs: 120_000 },
} as const satisfies Operation;

export const listRefusedEvents = {
  method: 'GET',
  url: '/api/v1/reports/refused-events',
  schema: {
    operationId: 'listRefusedEvents',
    summary: 'Lists events that could not be applied, with the reason',
    tags,
    querystring: Strict(PageQuery.properties),
    response: answers({
      200: Page(
        Type.Object({
          id: Type.String(),
          type: Type.String(),
          source: Type.String(),
          reason: Type.String(),
          refusedAt: Timestamp,
        }),
      ),
    }),
  },
  config: { access: 'admin' },
} as const satisfies Operation;

export const deliverRefusedEvent = {
  method: 'POST',
  url: '/api/v1/reports/refused-events/:eventId/deliver',
  schema: {
    operationId: 'deliverRefusedEvent',
    summary: 'Tries a refused event again',
    tags,
    params: Type.Object({ eventId: Type.String({ minLength: 1, maxLength: 200 }) }),
    response: answers({
      200: Type.Object({
        outcome: Type.Enum(['applied', 'duplicate', 'refused']),
        reason: Type.Optional(Type.String()),
      }),
    }),
  },
  config: { access: 'admin' },
} as const satisfies Operation;
