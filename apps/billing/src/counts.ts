import { countBy, count as declare } from '@slipway/platform/telemetry/declare';
import type { Metrics } from '@slipway/platform/telemetry/metrics';
import type { Invoice } from './invoices.ts';
import { plans } from './plans.ts';

const currencies = [...new Set(plans.map(({ currency }) => currency))];
const planIds = plans.map(({ id }) => id);

export type Counts = ReturnType<typeof createCounts>;

/**
 * Creates the counters of business events. Only the process whose write causes an event counts it, so a repeated
 * request is not counted. Counters show trends of running processes; the exact figures are in the ledger.
 */
export function createCounts(metrics: Metrics) {
  const by = <Value extends string>(name: string, help: string, label: string, values: readonly Value[]) =>
    countBy(metrics, { name, help }, label, values);

  const subscriptions = by(
    'billing_subscriptions_started_total',
    'Subscriptions begun, by their first plan',
    'plan',
    planIds,
  );
  const invoices = declare(metrics, {
    name: 'billing_invoices_issued_total',
    help: 'Invoices issued, also those of 0',
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
    "Payments settled, by the provider's answer; one without an answer counts when it has come",
    'outcome',
    ['succeeded', 'declined'],
  );
  const refunds = by('billing_refunds_total', "Refunds settled, by the provider's answer", 'outcome', [
    'succeeded',
    'refused',
  ]);

  return {
    usage: by('billing_usage_records_total', 'Usage records received, by what became of them', 'outcome', [
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
