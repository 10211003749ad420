// The panels of a customer: they subscribe, send usage, and pay invoices.

import { createForm } from '../../form.js';
import { createPanel } from '../../panel.js';
import { call } from '../../session.js';
import { invoicePanel } from './invoices.js';
import { loadPlans, planTable } from './plans.js';
import { subscriptionPanel } from './subscriptions.js';

/** Makes the panels of the person who is logged in. */
export function customerPanels(signal) {
  const subscriptions = subscriptionPanel(signal);
  return [subscribePanel(subscriptions, signal), subscriptions, invoicePanel(signal)];
}

function subscribePanel(subscriptions, signal) {
  const form = createForm({
    label: 'Subscribe',
    fields: [{ name: 'planId', label: 'Plan', options: [], required: true }],
    submit: 'Subscribe',
    async send(values, { key, onRetry }) {
      const { planId } = await call('POST', '/api/v1/subscriptions', { body: values, key, onRetry });
      await subscriptions.reload();
      return `You are subscribed to the plan ${planId}.`;
    },
  });
  async function load() {
    const plans = await loadPlans(signal);
    form.choose(
      'planId',
      plans.map(({ id, name }) => [id, name]),
    );
    return [planTable(plans)];
  }
  return createPanel('Plans', load, signal, { after: [form] });
}
