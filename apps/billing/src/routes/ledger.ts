import { getTrialBalance, listLedgerEntries } from '@slipway/contracts/billing';
import type { App } from '@slipway/platform/core/app';
import { fromCursor, toPage } from '@slipway/platform/core/pagination';
import { isBalanced, type LedgerStore } from '../ledger.ts';

/** Registers the routes of the ledger. */
export function registerLedgerRoutes(app: App, { ledger }: { ledger: LedgerStore }): void {
  app.route({
    ...getTrialBalance,
    handler: async () => {
      const accounts = await ledger.balances();
      return { balanced: isBalanced(accounts), accounts };
    },
  });

  app.route({
    ...listLedgerEntries,
    handler: async (request) => {
      const { limit, cursor } = request.query;
      return toPage(await ledger.list(limit + 1, fromCursor(cursor)), limit, ({ at, id }) => ({ at, id }));
    },
  });
}
