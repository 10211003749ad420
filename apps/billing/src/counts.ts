import { countBy, count as declare } from '@slipway/platform/telemetry/declare';
import type { Metrics } from '@slipway/platform/telemetry/metrics';
import type { Invoice } from './invoices.ts';
import { plans } from './plans.ts';

const currencies = [...new Set(plans.map(({ currency }) => currency))];
const planIds = plans.map(({ id }) => id);

export type Counts = ReturnType<typeof createCounts>;

/**
 * Creates the counters of business events. Each is counted once, by the process whose write decided it; a retried
 * request counts only usage, as `duplicate`. Use them for trends only; the authoritative figures are in the ledger.
 */
export function createCounts(metrics: Metrics) {
  const by = <Value extends string>(name: string, help: string, label: string, values: readonly Value[]) =>
    countBy(metrics, { name, help }, label, values);

  const subscriptions = by(
    'billing_subscriptions_started_total',
    'Subscriptions started, by their first plan',
    'plan',
    planIds,
  );
  const invoices = declare(metrics, {
    name: 'billing_invoices_issued_total',
    help: 'Invoices issued, including those with a total of 0',
  });
  const invoiced = by(
    'billing_invoiced_amount_total',
    'Totals of the invoices issued, in minor units such as cents',
    'currency',
    currencies,
  );
  const paid = by(
    'billing_paid_amount_total',
    'Payments that succeeded, in minor units such as cents',
    'currency',
    currencies,
  );
  const refunded = by(
    'billing_refunded_amount_total',
    'Refunds that succeeded, in minor units such as cents',
    'currency',
    currencies,
  );
  const payments = by(
    'billing_payments_total',
    "Settled payments, by the provider's response; a payment without a response counts when it is settled",
    'outcome',
    ['succeeded', 'declined'],
  );
  const refunds = by('billing_refunds_total', "Settled refunds, by the provider's response", 'outcome', [
    'succeeded',
    'refused',
  ]);

  return {
    usage: by('billing_usage_records_total', 'Usage records received, by outcome', 'outcome', [
      'added',
      'duplicate',
      'refused',
    ]),
    subscriptionStarted: (planId: string) => subscriptions[planId]?.inc(),
    invoiceIssued({ currency, total }: Invoice) {
      invoices.inc();
      invoiced[currency]?.inc(total);
    },
    paymentSettled({ currency }: Invoice, outcome: 'succeeded' | 'declined', amount: number) {
      payments[outcome].inc();
      if (outcome === 'succeeded') paid[currency]?.inc(amount);
    },
    refundSettled({ currency }: Invoice, outcome: 'succeeded' | 'refused', amount: number) {
      refunds[outcome].inc();
      if (outcome === 'succeeded') refunded[currency]?.inc(amount);
    },
  };
}
