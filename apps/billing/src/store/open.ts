import { StartError } from '@slipway/platform/core/start-error';
import type { OutboxStore } from '@slipway/platform/events/outbox';
import type { IdempotencyStore } from '@slipway/platform/http/idempotency';
import type { ServiceStore } from '@slipway/platform/service/service';
import type { ClosedAccountStore } from '../account-closing.ts';
import type { InvoiceStore } from '../invoices.ts';
import type { LedgerStore } from '../ledger.ts';
import type { SubscriptionStore } from '../subscriptions.ts';
import type { UsageStore } from '../usage.ts';

/** Everything that billing keeps. No rule needs two of its parts to be written in one step. */
export type BillingStore = ServiceStore & {
  idempotency: IdempotencyStore;
  outbox: OutboxStore;
  subscriptions: SubscriptionStore;
  usage: UsageStore;
  invoices: InvoiceStore;
  ledger: LedgerStore;
  closedAccounts: ClosedAccountStore;
};

/**
 * Opens the store that a URL names by its scheme. Each is loaded only when it is chosen: a driver costs
 * start-up time and memory.
 *
 * @param url `sqlite:<path>`, `sqlite::memory:` or `mongodb://<host>/<database>`
 * @throws {StartError} if there is none for the scheme, or it cannot be opened.
 */
export async function openStore(url: string): Promise<BillingStore> {
  if (url.startsWith('sqlite:')) return (await import('./sqlite.ts')).openSqliteStore(url);
  if (/^mongodb(\+srv)?:/.test(url)) return (await import('./mongo.ts')).openMongoStore(url);
  throw new StartError('STORE_URL must be sqlite:<path>, sqlite::memory: or mongodb://<host>/<database>.');
}
