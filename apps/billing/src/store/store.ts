import type { OutboxStore } from '@slipway/platform/events/outbox';
import type { IdempotencyStore } from '@slipway/platform/http/idempotency';
import type { JobStore } from '@slipway/platform/jobs/job-record';
import type { ServiceStore } from '@slipway/platform/service/service';
import type { ClosedAccountStore } from '../account-closing.ts';
import type { InvoiceStore } from '../invoices.ts';
import type { LedgerStore } from '../ledger.ts';
import type { SubscriptionStore } from '../subscriptions.ts';
import type { UsageStore } from '../usage.ts';

/** The stores of billing. No rule needs one atomic change in two of them. */
export type BillingStore = ServiceStore & {
  idempotency: IdempotencyStore;
  outbox: OutboxStore;
  subscriptions: SubscriptionStore;
  usage: UsageStore;
  invoices: InvoiceStore;
  ledger: LedgerStore;
  closedAccounts: ClosedAccountStore;
  jobs: JobStore;
};
