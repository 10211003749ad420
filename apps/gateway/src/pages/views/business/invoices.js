// The invoices of the person who is logged in, and their payment.

import { element } from '../../dom.js';
import { createForm } from '../../form.js';
import { day, money, number } from '../../format.js';
import { createPanel } from '../../panel.js';
import { call } from '../../session.js';
import { createTable } from '../../table.js';

const limit = 50;

/** The payment methods of the sandbox, which stands for a payment provider. */
const methods = [
  ['pm_ok', 'Card that pays'],
  ['pm_decline', 'Card that is declined'],
  ['pm_delay', 'Card that takes a second'],
  ['pm_fail_once', 'Connection breaks before the charge, once'],
  ['pm_late', 'Charge without a response: the time runs out, once'],
];

/** Makes the table of invoices, with a form that pays one. */
export function invoicePanel(signal) {
  const form = paymentForm(() => panel.reload());

  async function load() {
    const query = { limit };
    const { items, next } = await call('GET', '/api/v1/invoices', { query, signal });
    const open = items.filter(({ status }) => status === 'open' || status === 'paying');
    // It stays when the last invoice is paid, because it says so.
    if (open.length > 0) form.hidden = false;
    form.choose(
      'invoiceId',
      open.map(({ id, total, currency, periodEnd }) => [
        id,
        `${money(total, currency)}, ${day(periodEnd)} (${id})`,
      ]),
    );
    const note = next && element('p', { class: 'quiet' }, `These are the newest ${limit}.`);
    return [invoiceTable(items), note].filter(Boolean);
  }

  form.hidden = true;
  const panel = createPanel('Invoices', load, signal, { refresh: true, after: [form] });
  return panel;
}

function invoiceTable(invoices) {
  const columns = [
    { head: 'Issued', value: ({ issuedAt }) => day(issuedAt) },
    { head: 'Period', value: ({ periodStart, periodEnd }) => `${day(periodStart)} to ${day(periodEnd)}` },
    { head: 'Plan', value: ({ planId }) => planId },
    { head: 'Lines', value: lineList },
    { head: 'Total', value: ({ total, currency }) => money(total, currency), isNumber: true },
    { head: 'State', value: ({ status }) => status.replace('_', ' ') },
  ];
  const ifEmpty = 'There are no invoices yet. A billing run issues them when a period has ended.';
  return createTable('Invoices', columns, invoices, ifEmpty);
}

function lineList({ lines, currency }) {
  const items = lines.map(({ description, quantity, amount }) =>
    element('li', {}, `${description}: ${number(quantity)}, ${money(amount, currency)}`),
  );
  return element('ul', {}, ...items);
}

function paymentForm(reload) {
  return createForm({
    label: 'Pay an invoice',
    fields: [
      { name: 'invoiceId', label: 'Invoice', options: [], required: true },
      { name: 'method', label: 'Payment method', options: methods, hint: 'The sandbox moves no money.' },
    ],
    submit: 'Pay',
    async send({ invoiceId, method }, { key, onRetry }) {
      const path = `/api/v1/invoices/${invoiceId}/payments`;
      try {
        const { amount, currency } = await call('POST', path, { body: { method }, key, onRetry });
        return `Paid: ${money(amount, currency)}.`;
      } finally {
        // A payment that failed may have changed the state of the invoice, too.
        await reload();
      }
    },
  });
}
