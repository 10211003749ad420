import { getInvoice, listInvoices, runBilling, writeOffInvoice } from '@slipway/contracts/billing';
import type { App } from '@slipway/platform/core/app';
import { toInstant } from '@slipway/platform/core/instant';
import { fromCursor, toPage } from '@slipway/platform/core/pagination';
import { timeLeft } from '@slipway/platform/core/request-context';
import { update } from '@slipway/platform/events/aggregates';
import { principalOf } from '@slipway/platform/http/access';
import { operationIdOf } from '@slipway/platform/http/idempotency';
import type { Logger } from '@slipway/platform/telemetry/log';
import { type BillingParts, runBilling as run } from '../billing-run.ts';
import { refuseFutureRun } from '../clock.ts';
import { writeOff } from '../write-offs.ts';
import { ownerIn, visible } from './ownership.ts';

type Parts = BillingParts & { log: Logger };

/** Time of a request that is reserved for its response; milliseconds. */
const margin = 1_000;

/** Registers the routes of invoices, and of the run that issues them. */
export function registerInvoiceRoutes(app: App, { log, ...parts }: Parts): void {
  const { invoices, clock } = parts;

  app.route({
    ...runBilling,
    handler: async (request) => {
      const asOf = toInstant(request.body.asOf ?? clock.now());
      refuseFutureRun(clock, 'body.asOf', asOf);
      const options = {
        asOf,
        mayGoOn: () => timeLeft(runBilling.config.timeoutMs) > margin,
        onFailure: (error: unknown, subscription: string) =>
          log.error({ err: error, subscription }, 'not billed'),
      };
      return { asOf, ...(await run(parts, options)) };
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

  app.route({
    ...writeOffInvoice,
    handler: async (request) => {
      const { reason } = request.body;
      const id = operationIdOf(request);
      return update(invoices, request.params.invoiceId, (invoice) =>
        writeOff(invoice, { id, reason, now: clock.now() }),
      );
    },
  });
}
