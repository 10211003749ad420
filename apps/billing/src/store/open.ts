import type { ServiceStore } from '@slipway/platform/service/service';
import { StartError } from '@slipway/platform/service/start-error';
import type { InvoiceStore } from '../invoices.ts';
import type { LedgerStore } from '../ledger.ts';
import type { SubscriptionStore } from '../subscriptions.ts';
import type { UsageStore } from '../usage.ts';
import { openSqliteStore } from './sqlite.ts';

/** Everything that billing keeps. No rule needs two of its parts to be written in one step. */
export type BillingStore = Required<ServiceStore> & {
  subscriptions: SubscriptionStore;
  usage: UsageStore;
  invoices: InvoiceStore;
  ledger: LedgerStore;
};

/**
 * Opens the store that a URL names by its scheme.
 *
 * @throws {StartError} if there is none for the scheme, or it cannot be opened.
 */
export function openStore(url: string): BillingStore {
  if (url.startsWith('sqlite:')) return openSqliteStore(url);
  throw new StartError('STORE_URL must be sqlite:<path> or sqlite::memory:.');
}
