import { type Dashboard, graph, query, row, stat, worseAbove, worseBelow } from './panels.ts';
import { increase, rate, share } from './promql.ts';

const succeeded = 'outcome="succeeded"';

/** Money as people write it; all currencies of the plans have hundredths. */
const money = (metric: string): string => `${increase(metric, '', 'currency')} / 100`;

/** What the system is there for. */
export const business: Dashboard = {
  uid: 'slipway-business',
  title: 'Slipway: business',
  help: 'What happened, as the processes counted it. For trends and alarms; the books are the ledger and the reports.',
  rows: [
    row(
      'In the time shown',
      stat('Sign-ups', 'short', query(increase('users_signed_up_total', '', 'service'), 'accounts'), {
        help: 'Accounts made. Fractions come from Prometheus, which extends a rate to the ends of the time.',
      }),
      stat(
        'Subscriptions begun',
        'short',
        query(`sum(increase(billing_subscriptions_started_total[$__range]))`, 'subscriptions'),
        {
          help: 'Of all plans.',
        },
      ),
      stat('Invoices', 'short', query(`sum(increase(billing_invoices_issued_total[$__range]))`, 'issued'), {
        help: 'Issued, also those of 0.',
      }),
      stat('Invoiced', 'none', query(money('billing_invoiced_amount_total'), '{{currency}}'), {
        help: 'In whole units of the currency.',
      }),
      stat('Paid', 'none', query(money('billing_paid_amount_total'), '{{currency}}'), {
        help: 'In whole units of the currency.',
      }),
      stat('Given back', 'none', query(money('billing_refunded_amount_total'), '{{currency}}'), {
        help: 'In whole units of the currency.',
      }),
    ),
    row(
      'People',
      graph('Sign-ups', 'cps', query(rate('users_signed_up_total', '', 'service'), 'accounts'), {
        help: 'A step may be a campaign, or a robot.',
      }),
      graph('Sign-ins', 'cps', query(rate('users_sign_ins_total', '', 'outcome'), '{{outcome}}'), {
        help: '`refused`: wrong password or address. `limited`: too many of these, such as an attack.',
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
          help: 'A fall is either us or an attack.',
          max: 1,
        },
      ),
    ),
    row(
      'Money',
      graph('Payments', 'cps', query(rate('billing_payments_total', '', 'outcome'), '{{outcome}}'), {
        help: "Settled, by the provider's answer.",
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
          help: 'In the time shown. Declined cards are the rest.',
          steps: worseBelow(0.5, 0.8),
        },
      ),
      graph(
        'The payment provider',
        's',
        query(
          'histogram_quantile(0.95, sum by (le, operation) (rate(dependency_call_duration_seconds_bucket{dependency="payment-provider"}[$__rate_interval])))',
          '{{operation}}',
        ),
        {
          width: 6,
          help: '95th percentile of its answers.',
          steps: worseAbove(1, 3),
        },
      ),
      graph('Refunds', 'cps', query(rate('billing_refunds_total', '', 'outcome'), '{{outcome}}'), {
        width: 6,
        help: "Settled, by the provider's answer.",
      }),
      graph(
        'Subscriptions begun',
        'cps',
        query(rate('billing_subscriptions_started_total', '', 'plan'), '{{plan}}'),
        {
          help: 'By their first plan.',
          stacked: true,
        },
      ),
      graph('Invoices', 'cps', query(rate('billing_invoices_issued_total', '', 'service'), 'issued'), {
        help: 'Issued by the billing run.',
      }),
      stat(
        'Last billing run',
        'dateTimeFromNow',
        query('1000 * max(job_last_success_timestamp_seconds{name="billing-run"})', 'succeeded'),
        {
          help: 'One a day is due.',
          runbook: 'job-overdue',
        },
      ),
      stat(
        'Payments not settled',
        'short',
        query(
          'sum(increase(job_runs_total{name="payment-recovery", outcome="incomplete"}[$__range]))',
          'looks',
        ),
        {
          help: 'Looks for payments without an answer, one a second, that could not settle one. 0 is right.',
          steps: worseAbove(10, 60),
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
          help: 'A `duplicate` was sent again and counts nothing; `refused` has a reason, which its sender was told.',
          stacked: true,
        },
      ),
      graph(
        'Usage records refused',
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
          help: 'A step is a sender that has changed.',
        },
      ),
    ),
  ],
};
