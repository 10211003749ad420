// The panels of administrators: they issue invoices, and see all accounts.

import { element, heading } from '../../dom.js';
import { createForm } from '../../form.js';
import { day, number } from '../../format.js';
import { createPanel } from '../../panel.js';
import { call } from '../../session.js';
import { createTable } from '../../table.js';

/** Maximum number of accounts that are shown. */
const limit = 200;

/** Makes the panels of administrators. */
export function billingRunPanels(signal) {
  return [billingRun(), peoplePanel(signal)];
}

function billingRun() {
  const form = createForm({
    label: 'Issue invoices',
    fields: [
      {
        name: 'asOf',
        label: 'For periods that end until',
        type: 'date',
        required: true,
        value: new Date().toISOString().slice(0, 10),
        hint: 'A day in the future needs the test clock (BILLING_TEST_CLOCK=true).',
      },
    ],
    submit: 'Issue invoices',
    async send(values, { onRetry }) {
      const body = { asOf: `${values.asOf}T00:00:00Z` };
      const { issued, failed, complete } = await call('POST', '/api/v1/billing-runs', {
        body,
        isRepeatable: true,
        onRetry,
      });
      const parts = [
        `Invoices issued: ${number(issued)}.`,
        failed > 0 && `Subscriptions that could not be billed: ${number(failed)}.`,
        !complete && 'Work remains: send it again.',
      ];
      return parts.filter(Boolean).join(' ');
    },
  });
  return element('section', {}, heading(3, 'Billing run'), form);
}

function peoplePanel(signal) {
  async function load() {
    const { items, next } = await call('GET', '/api/v1/users', { query: { limit }, signal });
    const columns = [
      { head: 'Name', value: ({ name }) => name },
      { head: 'E-mail address', value: ({ email }) => email },
      { head: 'Roles', value: ({ roles }) => roles.join(', ') },
      { head: 'Since', value: ({ createdAt }) => day(createdAt) },
    ];
    const note = next && element('p', { class: 'quiet' }, `These are the oldest ${limit}.`);
    return [createTable('People', columns, items, 'There are no accounts.'), note].filter(Boolean);
  }
  return createPanel('People', load, signal, { refresh: true });
}
