import { getPayment, payInvoice, refundPayment } from '@slipway/contracts/billing';
import type { App } from '@slipway/platform/core/app';
import { principalOf } from '@slipway/platform/http/access';
import { operationIdOf } from '@slipway/platform/http/idempotency';
import { paymentOf, toDocument } from '../payments.ts';
import { pay, refund, type SettlementParts } from '../settlement.ts';
import { visible } from './ownership.ts';

/** Registers the routes of payments and refunds. */
export function registerPaymentRoutes(app: App, parts: SettlementParts): void {
  const { invoices } = parts;

  app.route({
    ...payInvoice,
    handler: async (request, reply) => {
      const { id } = visible(principalOf(request), await invoices.get(request.params.invoiceId));
      const { method } = request.body;
      const { invoice, payment } = await pay(parts, id, { id: operationIdOf(request), method });
      return reply.code(201).send(toDocument(invoice, payment));
    },
  });

  app.route({
    ...getPayment,
    handler: async (request) => {
      const { paymentId } = request.params;
      const invoice = visible(principalOf(request), await invoices.byPayment(paymentId));
      return toDocument(invoice, paymentOf(invoice, paymentId));
    },
  });

  app.route({
    ...refundPayment,
    handler: async (request, reply) => {
      const { paymentId } = request.params;
      const { id: invoiceId } = visible(principalOf(request), await invoices.byPayment(paymentId));
      const { amount } = request.body;
      const made = await refund(parts, { invoiceId, paymentId }, { id: operationIdOf(request), amount });
      return reply.code(201).send(made);
    },
  });
}
