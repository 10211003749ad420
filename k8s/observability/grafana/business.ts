import { type Dashboard, graph, query, row, stat, worseAbove, worseBelow } from './panels.ts';
import { increase, rate, share } from './promql.ts';

const succeeded = 'outcome="succeeded"';

/** Converts minor units to units. All currencies of the plans have hundredths. */
const money = (metric: string): string => `${increase(metric, '', 'currency')} / 100`;

/** The business figures: sign-ups, subscriptions, invoices, payments and usage. */
export const business: Dashboard = {
  uid: 'slipway-business',
  title: 'Slipway: business',
  help: 'Counted by the processes, for trends and alerts. The authoritative figures are in the ledger and the reports.',
  rows: [
    row(
      'In the selected time range',
      stat('Sign-ups', 'short', query(increase('users_signed_up_total', '', 'service'), 'accounts'), {
        help: 'Accounts created. Values may be fractions, because Prometheus extrapolates to the whole time range.',
      }),
      stat(
        'Subscriptions started',
        'short',
        query(`sum(increase(billing_subscriptions_started_total[$__range]))`, 'subscriptions'),
        {
          help: 'All plans.',
        },
      ),
      stat('Invoices', 'short', query(`sum(increase(billing_invoices_issued_total[$__range]))`, 'issued'), {
        help: 'Invoices issued, including those with a total of 0.',
      }),
      stat('Invoiced', 'none', query(money('billing_invoiced_amount_total'), '{{currency}}'), {
        help: 'In whole units of the currency.',
      }),
      stat('Paid', 'none', query(money('billing_paid_amount_total'), '{{currency}}'), {
        help: 'In whole units of the currency.',
      }),
      stat('Refunded', 'none', query(money('billing_refunded_amount_total'), '{{currency}}'), {
        help: 'In whole units of the currency.',
      }),
    ),
    row(
      'People',
      graph('Sign-ups', 'cps', query(rate('users_signed_up_total', '', 'service'), 'accounts'), {
        help: 'A sudden rise may be a campaign or a bot.',
      }),
      graph('Sign-ins', 'cps', query(rate('users_sign_ins_total', '', 'outcome'), '{{outcome}}'), {
        help: '`refused`: wrong password or address. `limited`: too many attempts, such as an attack.',
        stacked: true,
      }),
      graph(
        'Sign-ins that succeed',
        'percentunit',
        query(
          `sum(rate(users_sign_ins_total{${succeeded}}[$__rate_interval])) / sum(rate(users_sign_ins_total[$__rate_interval]))`,
          'share',
        ),
        {
          help: 'A fall is a fault of the system or an attack.',
          max: 1,
        },
      ),
    ),
    row(
      'Money',
      graph('Payments', 'cps', query(rate('billing_payments_total', '', 'outcome'), '{{outcome}}'), {
        help: "Settled payments, by the provider's response.",
        stacked: true,
      }),
      stat(
        'Payments that succeed',
        'percentunit',
        query(
          `sum(increase(billing_payments_total{${succeeded}}[$__range])) / sum(increase(billing_payments_total[$__range]))`,
          'share',
        ),
        {
          help: 'In the selected time range. The others were declined.',
          steps: worseBelow(0.5, 0.8),
        },
      ),
      graph(
        'Latency of the payment provider',
        's',
        query(
          'histogram_quantile(0.95, sum by (le, operation) (rate(dependency_call_duration_seconds_bucket{dependency="payment-provider"}[$__rate_interval])))',
          '{{operation}}',
        ),
        {
          width: 6,
          help: '95th percentile.',
          steps: worseAbove(1, 3),
        },
      ),
      graph('Refunds', 'cps', query(rate('billing_refunds_total', '', 'outcome'), '{{outcome}}'), {
        width: 6,
        help: "Settled refunds, by the provider's response.",
      }),
      graph(
        'Subscriptions started',
        'cps',
        query(rate('billing_subscriptions_started_total', '', 'plan'), '{{plan}}'),
        {
          help: 'By plan at the start.',
          stacked: true,
        },
      ),
      graph('Invoices', 'cps', query(rate('billing_invoices_issued_total', '', 'service'), 'issued'), {
        help: 'Invoices that were issued.',
      }),
      stat(
        'Last billing cycle',
        'dateTimeFromNow',
        query('1000 * max(job_last_success_timestamp_seconds{job="billing-cycle"} > 0)', 'succeeded'),
        {
          help: 'It should run once a day.',
          runbook: 'job-overdue',
        },
      ),
      stat(
        'Unsettled payments',
        'short',
        query('sum(increase(job_runs_total{job="payment-recovery", outcome="failed"}[$__range]))', 'runs'),
        {
          help: 'Runs of payment-recovery, one every 5 seconds, that left a payment or refund pending. It should be 0.',
          steps: worseAbove(10, 60),
          runbook: 'job-failed',
        },
      ),
    ),
    row(
      'Usage',
      graph(
        'Usage records',
        'cps',
        query(rate('billing_usage_records_total', '', 'outcome'), '{{outcome}}'),
        {
          width: 12,
          help: 'A `duplicate` was sent again and is not counted again. A `refused` record was rejected with a reason.',
          stacked: true,
        },
      ),
      graph(
        'Share of usage records rejected',
        'percentunit',
        query(
          share(
            rate('billing_usage_records_total', 'outcome="refused"', 'service'),
            rate('billing_usage_records_total', '', 'service'),
          ),
          'share',
        ),
        {
          width: 12,
          help: 'A sudden rise means that a sender has changed.',
        },
      ),
    ),
  ],
};
