import { getInvoice, listInvoices, runBilling } from '@slipway/contracts/billing';
import { principalOf } from '@slipway/platform/http/access';
import { fromCursor, toPage } from '@slipway/platform/http/pagination';
import type { App } from '@slipway/platform/service/service';
import type { Logger } from '@slipway/platform/telemetry/log';
import { timeLeft } from '@slipway/platform/telemetry/request-context';
import { type BillingParts, runBilling as run } from '../billing-run.ts';
import { refuseFuture } from '../clock.ts';
import { toInstant } from '../periods.ts';
import { ownerIn, visible } from './ownership.ts';

type Parts = BillingParts & { log: Logger };

/** Kept back of a request's time to write its answer; milliseconds. */
const margin = 1_000;

/** Invoices over HTTP, and the run that issues them. */
export function registerInvoiceRoutes(app: App, { log, ...parts }: Parts): void {
  const { invoices, clock } = parts;

  app.route({
    ...runBilling,
    handler: async (request) => {
      const asOf = toInstant(request.body.asOf ?? clock.now());
      refuseFuture(clock, 'body.asOf', asOf);
      const report = await run(parts, {
        asOf,
        mayGoOn: () => timeLeft(runBilling.config.timeoutMs) > margin,
        onFailure: (error, subscription) => log.error({ err: error, subscription }, 'not billed'),
      });
      return { asOf, ...report };
    },
  });

  app.route({
    ...listInvoices,
    handler: async (request) => {
      const { limit, cursor, status, subscriptionId, all } = request.query;
      const filter = { userId: ownerIn(principalOf(request), all), status, subscriptionId };
      const found = await invoices.list(filter, limit + 1, fromCursor(cursor));
      return toPage(found, limit, ({ issuedAt, id }) => ({ at: issuedAt, id }));
    },
  });

  app.route({
    ...getInvoice,
    handler: async (request) => visible(principalOf(request), await invoices.get(request.params.invoiceId)),
  });
}
