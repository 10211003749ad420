import type { Operation } from '@slipway/contract-kit/operation';
import { Page, PageQuery } from '@slipway/contract-kit/page';
import { responses } from '@slipway/contract-kit/responses';
import Type, { type Static, type TSchema } from 'typebox';
import { Amount, Currency, Day, Id, Strict, Timestamp } from './schemas.ts';

const tags = ['reporting'];
const produces = ['application/json', 'text/csv', 'application/x-ndjson'];

/** The days that a report covers, the first and last included, and how its rows are grouped. */
const Span = Strict({
  by: Type.Enum(['day', 'month'], { default: 'day', description: 'Groups rows by day or by month, in UTC' }),
  from: Type.Optional(Day),
  to: Type.Optional(Day),
});
export type Span = Static<typeof Span>;

const Period = Type.String({ description: 'Day (YYYY-MM-DD) or month (YYYY-MM) in UTC' });

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
  active: Type.Integer({ description: 'Number of active subscriptions' }),
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
    summary: 'Returns payments, refunds and net revenue by period, plan and currency',
    tags,
    produces,
    querystring: Span,
    response: responses({ 200: Rows(RevenueRow) }),
  },
  config: { access: 'admin', priority: 'batch' },
} as const satisfies Operation;

export const getRecurring = {
  method: 'GET',
  url: '/api/v1/reports/recurring',
  schema: {
    operationId: 'getRecurring',
    summary: 'Returns active subscriptions and their monthly revenue, by plan and currency',
    tags,
    produces,
    response: responses({ 200: Rows(RecurringRow) }),
  },
  config: { access: 'admin', priority: 'batch' },
} as const satisfies Operation;

export const getSignUps = {
  method: 'GET',
  url: '/api/v1/reports/sign-ups',
  schema: {
    operationId: 'getSignUps',
    summary: 'Returns the number of accounts created and deleted, by day or month',
    tags,
    produces,
    querystring: Span,
    response: responses({ 200: Rows(SignUpsRow) }),
  },
  config: { access: 'admin', priority: 'batch' },
} as const satisfies Operation;

export const getTopUsage = {
  method: 'GET',
  url: '/api/v1/reports/top-usage',
  schema: {
    operationId: 'getTopUsage',
    summary: 'Returns the subscriptions with the highest usage of a metric',
    tags,
    produces,
    querystring: Strict({
      metric: Id,
      limit: Type.Integer({ minimum: 1, maximum: 200, default: 10 }),
    }),
    response: responses({ 200: Rows(TopUsageRow) }),
  },
  config: { access: 'admin', priority: 'batch' },
} as const satisfies Operation;

export const rebuild = {
  method: 'POST',
  url: '/api/v1/reports/rebuild',
  schema: {
    operationId: 'rebuild',
    summary: 'Rebuilds all figures from the stored events',
    description: '`equal` is false if the previous figures were wrong. They are replaced in either case.',
    tags,
    response: responses({ 200: Type.Object({ events: Type.Integer(), equal: Type.Boolean() }) }),
  },
  config: { access: 'admin', jobs: true, priority: 'batch', timeoutMs: 120_000 },
} as const satisfies Operation;

export const listDeadLetters = {
  method: 'GET',
  url: '/api/v1/reports/dead-letters',
  schema: {
    operationId: 'listDeadLetters',
    summary: 'Lists dead letters: events that could not be applied, with the reason',
    tags,
    querystring: Strict(PageQuery.properties),
    response: responses({
      200: Page(
        Type.Object({
          id: Type.String(),
          type: Type.String(),
          source: Type.String(),
          reason: Type.String(),
          rejectedAt: Timestamp,
        }),
      ),
    }),
  },
  config: { access: 'admin' },
} as const satisfies Operation;

export const redeliverDeadLetter = {
  method: 'POST',
  url: '/api/v1/reports/dead-letters/:eventId/redeliver',
  schema: {
    operationId: 'redeliverDeadLetter',
    summary: 'Tries to apply a dead letter again',
    tags,
    params: Type.Object({ eventId: Type.String({ minLength: 1, maxLength: 200 }) }),
    response: responses({
      200: Type.Object({
        outcome: Type.Enum(['applied', 'duplicate', 'rejected']),
        reason: Type.Optional(Type.String()),
      }),
    }),
  },
  config: { access: 'admin' },
} as const satisfies Operation;
