import { jobOperations } from '@slipway/contract-kit/jobs';
import type { Operation } from '@slipway/contract-kit/operation';
import { Page, PageQuery } from '@slipway/contract-kit/page';
import { responses } from '@slipway/contract-kit/responses';
import { Type } from '@slipway/contract-kit/type';
import type { Static, TSchema } from 'typebox';
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

const exportedAt = {
  ...Timestamp,
  description: 'When the export began that the answer is about: later events are not in it (RFC 3339)',
};

const Question = Type.Object({
  name: Type.String(),
  title: Type.String(),
  chart: Type.Object(
    { value: Type.String(), label: Type.String(), series: Type.Array(Type.String()) },
    {
      description: 'Columns of a bar chart: a bar of `value` for each `label`, in a colour for each `series`',
    },
  ),
});

export const listQuestions = {
  method: 'GET',
  url: '/api/v1/reports/questions',
  schema: {
    operationId: 'listQuestions',
    summary: 'Lists the questions about all events since the beginning',
    tags,
    response: responses({ 200: Rows(Question) }),
  },
  config: { access: 'admin' },
} as const satisfies Operation;

const engine = Type.Enum(['duckdb', 'spark'], {
  default: 'duckdb',
  description:
    'DuckDB answers now, from the last export. Spark has answered before, in its last run in the cluster, from the ' +
    'export that it found',
});

export const getAnswer = {
  method: 'GET',
  url: '/api/v1/reports/questions/:question',
  schema: {
    operationId: 'getAnswer',
    summary: 'Answers a question about all events, from their last export',
    description:
      'Each question has columns of its own. Amounts are in minor units of the currency. CSV and NDJSON have the time of ' +
      'the export in the header `exported-at`.',
    tags,
    produces,
    params: Type.Object({ question: Type.String({ minLength: 1, maxLength: 64 }) }),
    querystring: Strict({ engine }),
    response: responses({
      200: Type.Object({
        exportedAt,
        items: Type.Array(Type.Record(Type.String(), Type.Union([Type.String(), Type.Integer()]))),
      }),
    }),
  },
  config: { access: 'admin', priority: 'batch', timeoutMs: 120_000 },
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
  config: { access: 'admin', priority: 'batch', timeoutMs: 120_000 },
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

export const jobs = jobOperations('reporting');
