// The list of traces, newest first.

import { element, heading } from '../../dom.js';
import { failureText } from '../../failure.js';
import { duration, number, time } from '../../format.js';
import { call } from '../../session.js';
import { createTable } from '../../table.js';

/** Interval between two requests for the list; milliseconds. */
const refreshMs = 2_000;

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
  const content = element('div', {}, element('p', { class: 'quiet' }, 'Loading …'));
  const count = element('p', { class: 'quiet' });
  let shown;
  let isLoading = false;

  async function refresh() {
    if (isLoading || document.hidden || signal.aborted) return;
    isLoading = true;
    try {
      const { items } = await call('GET', '/api/v1/system/traces', { signal });
      alert.replaceChildren();
      update(items);
    } catch (error) {
      if (!signal.aborted) alert.replaceChildren(...failureText(error));
    } finally {
      isLoading = false;
    }
  }

  /** Leaves the table alone if nothing has changed, and moves the focus to the same link of a new table. */
  function update(items) {
    const next = JSON.stringify(items);
    if (next === shown) return;
    shown = next;
    const focused = document.activeElement?.getAttribute('href');
    content.replaceChildren(createTable('Traces', columns, items, 'No trace is stored yet.'));
    if (focused) content.querySelector(`a[href="${focused}"]`)?.focus();
    count.textContent = `${number(items.length)} stored, of the last requests that failed, were slow, or came from administrators.`;
  }

  refresh();
  const timer = setInterval(refresh, refreshMs);
  signal.addEventListener('abort', () => clearInterval(timer));
  return [heading(3, 'Last traces'), count, content, alert];
}
