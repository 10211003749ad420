// The reports of administrators: revenue, recurring revenue, sign-ups and usage, as tables and charts.

import { createChart } from '../../chart.js';
import { element } from '../../dom.js';
import { money, number } from '../../format.js';
import { createPanel } from '../../panel.js';
import { call } from '../../session.js';
import { createTable } from '../../table.js';
import { questionPanel } from './questions.js';

/** Makes the panels of reports. Reporting counts events shortly after they have happened. */
export function reportPanels(signal) {
  const reports = [revenue, recurring, signUps, topUsage];
  const panels = reports.map((report) => reportPanel(report, signal));
  return [element('div', { class: 'columns wide' }, ...panels), questionPanel(signal)];
}

function reportPanel({ title, path, query, columns, bars, ifEmpty }, signal) {
  async function load() {
    const { items } = await call('GET', path, { query, signal });
    return [...chartsOf(title, items, bars), createTable(title, columns, items, ifEmpty)];
  }
  return createPanel(title, load, signal, { refresh: true });
}

/** Draws a chart for each currency: amounts of two currencies have no common axis. */
function chartsOf(title, rows, bars) {
  const byCurrency = Map.groupBy(rows, ({ currency }) => currency);
  return [...byCurrency].map(([currency, part]) =>
    currency
      ? createChart(`${title}, ${currency}`, part.map(bars), (value) => money(value, currency))
      : createChart(title, part.map(bars)),
  );
}

const amount = (head, key) => ({
  head,
  value: (row) => money(row[key], row.currency),
  isNumber: true,
});

const count = (head, key) => ({ head, value: (row) => number(row[key]), isNumber: true });

const revenue = {
  title: 'Revenue by month',
  path: '/api/v1/reports/revenue',
  query: { by: 'month' },
  columns: [
    { head: 'Month', value: ({ period }) => period },
    { head: 'Plan', value: ({ planId }) => planId },
    amount('Paid', 'paid'),
    amount('Refunded', 'refunded'),
    amount('Net', 'net'),
  ],
  bars: ({ period, planId, net }) => ({ label: period, series: planId, value: net }),
  ifEmpty: 'Nothing has been paid yet.',
};

const recurring = {
  title: 'Monthly recurring revenue',
  path: '/api/v1/reports/recurring',
  columns: [
    { head: 'Plan', value: ({ planId }) => planId },
    count('Active subscriptions', 'active'),
    amount('Monthly revenue', 'monthlyRevenue'),
  ],
  bars: ({ planId, currency, monthlyRevenue }) => ({
    label: planId,
    series: currency,
    value: monthlyRevenue,
  }),
  ifEmpty: 'There are no subscriptions yet.',
};

const signUps = {
  title: 'Sign-ups by day',
  path: '/api/v1/reports/sign-ups',
  columns: [
    { head: 'Day', value: ({ period }) => period },
    count('Signed up', 'signedUp'),
    count('Deleted', 'deleted'),
  ],
  bars: ({ period, signedUp }) => ({ label: period, series: 'signed up', value: signedUp }),
  ifEmpty: 'Nobody has signed up yet.',
};

const topUsage = {
  title: 'Highest usage of API calls',
  path: '/api/v1/reports/top-usage',
  query: { metric: 'api_calls' },
  columns: [
    { head: 'Subscription', value: ({ subscriptionId }) => subscriptionId },
    count('Quantity', 'quantity'),
    count('Records', 'records'),
  ],
  bars: ({ subscriptionId, quantity }) => ({ label: subscriptionId, series: 'api_calls', value: quantity }),
  ifEmpty: 'No usage has been recorded yet.',
};
