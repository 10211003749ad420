// The subscriptions of the person who is logged in, and their usage.

import { element } from '../../dom.js';
import { createForm } from '../../form.js';
import { day, number } from '../../format.js';
import { createPanel } from '../../panel.js';
import { call } from '../../session.js';
import { createTable } from '../../table.js';
import { loadPlans } from './plans.js';

/** Maximum number of subscriptions whose usage is shown. */
const limit = 20;

/** Makes the table of subscriptions, with a form that sends usage. */
export function subscriptionPanel(signal) {
  const form = usageForm(() => panel.reload());

  async function load() {
    const query = { limit };
    const [{ items, next }, plans] = await Promise.all([
      call('GET', '/api/v1/subscriptions', { query, signal }),
      loadPlans(signal),
    ]);
    const rows = await Promise.all(items.map((each) => withUsage(each, signal)));
    form.choose(
      'subscriptionId',
      rows.map(({ id, planId, startedAt }) => [id, `${planId}, since ${day(startedAt)} (${id})`]),
    );
    const metrics = new Set(plans.flatMap(({ meters }) => meters.map(({ metric }) => metric)));
    form.choose(
      'metric',
      [...metrics].map((metric) => [metric, metric]),
    );
    form.hidden = rows.length === 0;
    const note = next && element('p', { class: 'quiet' }, `These are the newest ${limit}.`);
    return [subscriptionTable(rows), note].filter(Boolean);
  }

  form.hidden = true;
  const panel = createPanel('Subscriptions', load, signal, { after: [form] });
  return panel;
}

async function withUsage(subscription, signal) {
  const path = `/api/v1/subscriptions/${subscription.id}/usage`;
  const { items } = await call('GET', path, { signal });
  return { ...subscription, usage: items };
}

function subscriptionTable(rows) {
  const columns = [
    { head: 'Plan', value: ({ planId }) => planId },
    { head: 'State', value: ({ status, endsAt }) => (endsAt ? `${status}, ends ${day(endsAt)}` : status) },
    { head: 'Period', value: ({ periodStart, periodEnd }) => `${day(periodStart)} to ${day(periodEnd)}` },
    { head: 'Usage not invoiced yet', value: ({ usage }) => usageText(usage) },
  ];
  return createTable('Subscriptions', columns, rows, 'You have no subscription. Choose a plan.');
}

function usageText(usage) {
  const used = usage.filter(({ quantity }) => quantity > 0);
  return used.map(({ metric, quantity }) => `${metric}: ${number(quantity)}`).join(', ') || 'none';
}

function usageForm(reload) {
  const quantity = {
    name: 'quantity',
    label: 'Quantity',
    type: 'number',
    required: true,
    min: 0,
    max: 1_000_000_000,
    inputmode: 'numeric',
  };
  return createForm({
    label: 'Send usage',
    fields: [
      { name: 'subscriptionId', label: 'Subscription', options: [], required: true },
      { name: 'metric', label: 'Metric', options: [], required: true },
      quantity,
    ],
    submit: 'Send usage',
    async send(values, { key, onRetry }) {
      // The id of a record has the effect of a key: a record that arrives twice counts once.
      const record = { ...values, id: key, quantity: Number(values.quantity), at: new Date().toISOString() };
      await call('POST', '/api/v1/usage', { body: record, isRepeatable: true, onRetry });
      await reload();
      return `${number(record.quantity)} ${values.metric} have been recorded.`;
    },
  });
}
