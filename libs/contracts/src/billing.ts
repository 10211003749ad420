import { jobOperations } from '@slipway/contract-kit/jobs';
import type { Operation } from '@slipway/contract-kit/operation';
import { Page, PageQuery } from '@slipway/contract-kit/page';
import { NoContent, responses } from '@slipway/contract-kit/responses';
import { Type } from '@slipway/contract-kit/type';
import type { Static } from 'typebox';
import { Amount, Currency, Id, Strict, smallBody, Timestamp } from './schemas.ts';

const tags = ['billing'];
const Quantity = Type.Integer({ minimum: 0, maximum: 1_000_000_000 });
const PositiveAmount = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });

export const Meter = Type.Object({
  metric: Id,
  included: Type.Integer({ description: 'Units per month that the fixed price includes' }),
  price: Amount,
  per: Type.Integer({ minimum: 1, description: 'Number of units that `price` pays for' }),
});

export const Plan = Type.Object({
  id: Id,
  name: Type.String(),
  currency: Currency,
  price: Amount,
  meters: Type.Array(Meter),
});
export type Plan = Static<typeof Plan>;

const SubscriptionStatus = Type.Enum(['active', 'cancelled']);

export const Subscription = Type.Object({
  id: Id,
  userId: Id,
  planId: Id,
  status: SubscriptionStatus,
  startedAt: Timestamp,
  /** The period that the next invoice will bill. */
  periodStart: Timestamp,
  periodEnd: Timestamp,
  /** The plan of a later period, if the plan or its price will change. */
  nextPlan: Type.Optional(
    Type.Object(
      { planId: Id, price: Amount, startsAt: Timestamp },
      { description: 'The next plan or price' },
    ),
  ),
  cancelledAt: Type.Optional(Timestamp),
  endsAt: Type.Optional(
    Type.String({ format: 'date-time', description: 'End of the last period of a cancelled subscription' }),
  ),
  version: Type.Integer({ minimum: 1 }),
});
export type Subscription = Static<typeof Subscription>;

export const UsageRecord = Strict({
  id: Id,
  subscriptionId: Id,
  metric: Id,
  quantity: Quantity,
  at: Timestamp,
});
export type UsageRecord = Static<typeof UsageRecord>;

export const InvoiceLine = Type.Object({
  description: Type.String(),
  metric: Type.Optional(Id),
  quantity: Type.Integer(),
  amount: Amount,
  /** The period of the line; earlier than that of the invoice if usage arrived late. */
  periodStart: Type.Optional(Timestamp),
  periodEnd: Type.Optional(Timestamp),
});

const InvoiceStatus = Type.Enum(['open', 'paying', 'paid', 'written_off']);

export const Invoice = Type.Object({
  id: Id,
  subscriptionId: Id,
  userId: Id,
  planId: Id,
  periodStart: Timestamp,
  periodEnd: Timestamp,
  issuedAt: Timestamp,
  currency: Currency,
  lines: Type.Array(InvoiceLine),
  total: Amount,
  status: InvoiceStatus,
});
export type Invoice = Static<typeof Invoice>;

export const Refund = Type.Object({
  id: Id,
  amount: Amount,
  status: Type.Enum(['pending', 'succeeded', 'failed']),
  createdAt: Timestamp,
});
export const Payment = Type.Object({
  id: Id,
  invoiceId: Id,
  userId: Id,
  amount: Amount,
  currency: Currency,
  status: Type.Enum(['pending', 'succeeded', 'declined']),
  createdAt: Timestamp,
  refunded: Amount,
  refunds: Type.Array(Refund),
});
export type Payment = Static<typeof Payment>;

const SubscriptionPath = Type.Object({ subscriptionId: Id });
const InvoicePath = Type.Object({ invoiceId: Id });
const PaymentPath = Type.Object({ paymentId: Id });
const All = Type.Optional(
  Type.Boolean({ description: 'Includes the items of all users; administrators only' }),
);
const IfMatch = Type.Object({ 'if-match': Type.Optional(Type.String({ maxLength: 100 })) });

export const listPlans = {
  method: 'GET',
  url: '/api/v1/plans',
  schema: {
    operationId: 'listPlans',
    summary: 'Lists the available plans',
    tags,
    response: responses({ 200: Type.Object({ items: Type.Array(Plan) }) }),
  },
  config: { access: 'public' },
} as const satisfies Operation;

export const subscribe = {
  method: 'POST',
  url: '/api/v1/subscriptions',
  schema: {
    operationId: 'subscribe',
    summary: 'Subscribes the caller to a plan',
    tags,
    body: Strict({ planId: Id }),
    response: responses({ 201: Subscription }),
  },
  config: { access: 'member', priority: 'money', idempotency: 'required', bodyLimit: smallBody },
} as const satisfies Operation;

export const listSubscriptions = {
  method: 'GET',
  url: '/api/v1/subscriptions',
  schema: {
    operationId: 'listSubscriptions',
    summary: "Lists the caller's subscriptions, newest first; administrators can list all",
    tags,
    querystring: Type.Object({
      ...PageQuery.properties,
      status: Type.Optional(SubscriptionStatus),
      all: All,
    }),
    response: responses({ 200: Page(Subscription) }),
  },
  config: { access: 'member' },
} as const satisfies Operation;

export const getSubscription = {
  method: 'GET',
  url: '/api/v1/subscriptions/:subscriptionId',
  schema: {
    operationId: 'getSubscription',
    summary: 'Returns one subscription',
    tags,
    params: SubscriptionPath,
    response: responses({ 200: Subscription }),
  },
  config: { access: 'member' },
} as const satisfies Operation;

export const changePlan = {
  method: 'PATCH',
  url: '/api/v1/subscriptions/:subscriptionId',
  schema: {
    operationId: 'changePlan',
    summary: 'Moves a subscription to another plan of the same currency',
    description:
      'The plan changes when the next period begins. Until then, the last request counts; the period that has begun keeps its plan and price.',
    tags,
    params: SubscriptionPath,
    headers: IfMatch,
    body: Strict({ planId: Id }),
    response: responses({ 200: Subscription }),
  },
  config: { access: 'member', priority: 'money', bodyLimit: smallBody },
} as const satisfies Operation;

export const cancelSubscription = {
  method: 'POST',
  url: '/api/v1/subscriptions/:subscriptionId/cancel',
  schema: {
    operationId: 'cancelSubscription',
    summary: 'Cancels a subscription: it ends with the period that has begun, which is billed as usual',
    tags,
    params: SubscriptionPath,
    response: responses({ 200: Subscription }),
  },
  config: { access: 'member', priority: 'money' },
} as const satisfies Operation;

export const resumeSubscription = {
  method: 'POST',
  url: '/api/v1/subscriptions/:subscriptionId/resume',
  schema: {
    operationId: 'resumeSubscription',
    summary: 'Revokes a cancellation, unless the subscription has ended',
    tags,
    params: SubscriptionPath,
    response: responses({ 200: Subscription }),
  },
  config: { access: 'member', priority: 'money' },
} as const satisfies Operation;

export const cancelAllSubscriptions = {
  method: 'POST',
  url: '/api/v1/subscriptions/cancel-all',
  schema: {
    operationId: 'cancelAllSubscriptions',
    summary: "Cancels all of the caller's subscriptions",
    tags,
    response: responses({ 200: Type.Object({ cancelled: Type.Integer() }) }),
  },
  config: { access: 'member', priority: 'money' },
} as const satisfies Operation;

export const closeAccount = {
  method: 'POST',
  url: '/api/v1/billing-account/close',
  schema: {
    operationId: 'closeAccount',
    summary: "Ends and bills all of the caller's subscriptions now, and closes the caller's billing account",
    description:
      'A part of deleting an account. Returns 409 with the open invoices while something is owed. Each period that has begun is billed in full. After success, access tokens that were issued before can only read here.',
    tags,
    response: responses({ 204: NoContent }),
  },
  config: { access: 'member', priority: 'money' },
} as const satisfies Operation;

export const getUnbilledUsage = {
  method: 'GET',
  url: '/api/v1/subscriptions/:subscriptionId/usage',
  schema: {
    operationId: 'getUnbilledUsage',
    summary: 'Returns the usage that has not been invoiced yet, by metric',
    tags,
    params: SubscriptionPath,
    response: responses({
      200: Type.Object({
        items: Type.Array(Type.Object({ metric: Id, quantity: Type.Integer(), records: Type.Integer() })),
      }),
    }),
  },
  config: { access: 'member' },
} as const satisfies Operation;

export const recordUsage = {
  method: 'POST',
  url: '/api/v1/usage',
  schema: {
    operationId: 'recordUsage',
    summary: 'Records usage; each record id counts once per subscription',
    tags,
    body: UsageRecord,
    response: responses({ 200: Type.Object({ id: Id, duplicate: Type.Boolean() }) }),
  },
  config: { access: 'member' },
} as const satisfies Operation;

export const UsageImport = Type.Object({
  accepted: Type.Integer(),
  duplicates: Type.Integer(),
  rejected: Type.Integer(),
  /** The first 100 rejected lines. */
  errors: Type.Array(Type.Object({ line: Type.Integer(), code: Type.String(), detail: Type.String() })),
});

export const importUsage = {
  method: 'POST',
  url: '/api/v1/usage/import',
  schema: {
    operationId: 'importUsage',
    summary: 'Records usage, one JSON record per line; each record id counts once per subscription',
    description:
      'The body is read as a stream. If the connection breaks, send it again: a record that already arrived is a duplicate.',
    tags,
    consumes: ['application/x-ndjson'],
    response: responses({ 200: UsageImport }),
  },
  config: { access: 'member', priority: 'batch', bodyLimit: 1_073_741_824, timeoutMs: 600_000 },
} as const satisfies Operation;

export const runBilling = {
  method: 'POST',
  url: '/api/v1/billing-runs',
  schema: {
    operationId: 'runBilling',
    summary: 'Issues the invoices of all periods that have ended; can be repeated safely',
    description: 'If the request runs out of time, `complete` is false. Send it again to continue.',
    tags,
    body: Strict({ asOf: Type.Optional(Timestamp) }),
    response: responses({
      200: Type.Object({
        asOf: Timestamp,
        issued: Type.Integer({ description: 'Number of invoices that this request issued' }),
        subscriptions: Type.Integer({ description: 'Number of subscriptions that were billed' }),
        failed: Type.Integer({
          description: 'Number of subscriptions that could not be billed; the log has the reasons',
        }),
        complete: Type.Boolean(),
      }),
    }),
  },
  config: { access: 'admin', priority: 'batch', timeoutMs: 120_000, bodyLimit: smallBody },
} as const satisfies Operation;

export const listInvoices = {
  method: 'GET',
  url: '/api/v1/invoices',
  schema: {
    operationId: 'listInvoices',
    summary: "Lists the caller's invoices, newest first; administrators can list all",
    tags,
    querystring: Type.Object({
      ...PageQuery.properties,
      status: Type.Optional(InvoiceStatus),
      subscriptionId: Type.Optional(Id),
      all: All,
    }),
    response: responses({ 200: Page(Invoice) }),
  },
  config: { access: 'member' },
} as const satisfies Operation;

export const getInvoice = {
  method: 'GET',
  url: '/api/v1/invoices/:invoiceId',
  schema: {
    operationId: 'getInvoice',
    summary: 'Returns one invoice',
    tags,
    params: InvoicePath,
    response: responses({ 200: Invoice }),
  },
  config: { access: 'member' },
} as const satisfies Operation;

export const payInvoice = {
  method: 'POST',
  url: '/api/v1/invoices/:invoiceId/payments',
  schema: {
    operationId: 'payInvoice',
    summary: 'Pays an invoice',
    description:
      'The sandbox knows the methods pm_ok, pm_decline, pm_delay, pm_fail_once and pm_late. With pm_late the provider charges, but does not respond to the first attempt.',
    tags,
    params: InvoicePath,
    body: Strict({ method: Type.String({ minLength: 1, maxLength: 100 }) }),
    response: responses({ 201: Payment }),
  },
  config: { access: 'member', priority: 'money', idempotency: 'required', bodyLimit: smallBody },
} as const satisfies Operation;

export const writeOffInvoice = {
  method: 'POST',
  url: '/api/v1/invoices/:invoiceId/write-off',
  schema: {
    operationId: 'writeOffInvoice',
    summary: 'Writes an open invoice off: it is no longer owed',
    tags,
    params: InvoicePath,
    body: Strict({ reason: Type.String({ minLength: 1, maxLength: 200 }) }),
    response: responses({ 200: Invoice }),
  },
  config: { access: 'admin', priority: 'money', idempotency: 'required', bodyLimit: smallBody },
} as const satisfies Operation;

export const getPayment = {
  method: 'GET',
  url: '/api/v1/payments/:paymentId',
  schema: {
    operationId: 'getPayment',
    summary: 'Returns one payment',
    tags,
    params: PaymentPath,
    response: responses({ 200: Payment }),
  },
  config: { access: 'member' },
} as const satisfies Operation;

export const refundPayment = {
  method: 'POST',
  url: '/api/v1/payments/:paymentId/refunds',
  schema: {
    operationId: 'refundPayment',
    summary: 'Refunds a payment in part or in full',
    tags,
    params: PaymentPath,
    body: Strict({ amount: PositiveAmount }),
    response: responses({ 201: Refund }),
  },
  config: { access: 'admin', priority: 'money', idempotency: 'required', bodyLimit: smallBody },
} as const satisfies Operation;

export const LedgerEntry = Type.Object({
  id: Id,
  at: Timestamp,
  description: Type.String(),
  currency: Currency,
  postings: Type.Array(Type.Object({ account: Type.String(), amount: Amount })),
});
export type LedgerEntry = Static<typeof LedgerEntry>;

export const getTrialBalance = {
  method: 'GET',
  url: '/api/v1/ledger/balance',
  schema: {
    operationId: 'getTrialBalance',
    summary: 'Returns the balance of each account; balances add up to zero per currency',
    tags,
    response: responses({
      200: Type.Object({
        balanced: Type.Boolean(),
        accounts: Type.Array(Type.Object({ account: Type.String(), currency: Currency, balance: Amount })),
      }),
    }),
  },
  config: { access: 'admin', priority: 'batch' },
} as const satisfies Operation;

export const listLedgerEntries = {
  method: 'GET',
  url: '/api/v1/ledger/entries',
  schema: {
    operationId: 'listLedgerEntries',
    summary: 'Lists ledger entries, oldest first',
    tags,
    querystring: PageQuery,
    response: responses({ 200: Page(LedgerEntry) }),
  },
  config: { access: 'admin', priority: 'batch' },
} as const satisfies Operation;

export const jobs = jobOperations('billing');
