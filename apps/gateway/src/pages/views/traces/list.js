// The list of traces, newest first.

import { element, emptyTable, heading, kindOf } from '../../dom.js';
import { duration, number, time } from '../../format.js';
import { refreshed } from '../../refresh.js';
import { call } from '../../session.js';

/** Names of the reasons for which a trace is stored. */
export const reasons = { failed: 'failed', slow: 'slow', administrator: 'by an administrator' };

const columns = [
  { head: 'Started (UTC)', value: ({ startedAt }) => time(startedAt) },
  { head: 'Request', value: ({ traceId, name }) => element('a', { href: `#traces/${traceId}` }, name) },
  { head: 'Reason', value: ({ reason }) => element('span', { class: `reason ${reason}` }, reasons[reason]) },
  { head: 'Status', value: ({ status }) => String(status ?? '–'), isNumber: true },
  { head: 'Took', value: ({ ms }) => duration(Math.round(ms)), isNumber: true },
  { head: 'Services', value: ({ services }) => services.join(', ') },
];

/** Makes the list, which is loaded again every two seconds while it is visible. */
export function createList(signal) {
  const alert = element('div', { role: 'alert', class: 'error' });
  const summary = element('p', { class: 'quiet' }, 'Loading …');
  const [table, body] = emptyTable('Traces', columns);
  const update = updaterOf(body);

  async function load() {
    const { items } = await call('GET', '/api/v1/system/traces', { signal });
    alert.replaceChildren();
    update(items);
    summary.textContent = `${number(items.length)} stored, of the last requests that failed, were slow, or came from administrators.`;
  }

  refreshed(load, alert, signal);
  return [heading(3, 'Last traces'), summary, table, alert];
}

/** Makes the function that updates the rows. It leaves those alone that are the same, so that a focused link stays focused. */
function updaterOf(body) {
  let rows = new Map();
  return (items) => {
    const keys = items.map((item) => JSON.stringify(item));
    const next = new Map(keys.map((key, index) => [key, rows.get(key) ?? createRow(items[index])]));
    for (const [key, row] of rows) if (!next.has(key)) row.remove();
    let place = body.firstChild;
    for (const row of next.values()) {
      if (row === place) place = place.nextSibling;
      else body.insertBefore(row, place);
    }
    rows = next;
  };
}

const createRow = (trace) =>
  element(
    'tr',
    {},
    ...columns.map(({ value, isNumber }) => element('td', { class: kindOf(isNumber) }, value(trace))),
  );
