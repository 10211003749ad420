// The last runs of one job, with their errors.

import { element, heading } from '../../dom.js';
import { failureText } from '../../failure.js';
import { duration, number, time } from '../../format.js';
import { call } from '../../session.js';
import { createTable } from '../../table.js';
import { pathOfJob } from './load.js';

const columns = [
  { head: 'Run', value: ({ id }) => number(id), isNumber: true },
  { head: 'State', value: ({ state }) => element('span', { class: `state ${state}` }, state) },
  { head: 'Cause', value: ({ cause }) => cause },
  { head: 'Planned (UTC)', value: ({ plannedAt }) => time(plannedAt) },
  { head: 'Started (UTC)', value: ({ startedAt }) => time(startedAt) },
  { head: 'Took', value: ({ startedAt, endedAt }) => took(startedAt, endedAt), isNumber: true },
  { head: 'Attempts', value: ({ attempts }) => number(attempts), isNumber: true },
  { head: 'Error', value: ({ error = '' }) => error },
];

const took = (startedAt, endedAt) =>
  startedAt && endedAt ? duration(Date.parse(endedAt) - Date.parse(startedAt)) : '–';

/** Makes the section, which is hidden until `open` is called with a job. `update` loads the runs again. */
export function createHistory(signal) {
  let job;
  let shown;
  const title = heading(3, '');
  const content = element('div');
  const section = element('section', { hidden: true }, title, content);

  function open(chosen) {
    job = chosen;
    shown = undefined;
    title.textContent = `History of ${job.fullName}`;
    content.replaceChildren(element('p', { class: 'quiet' }, 'Loading …'));
    section.hidden = false;
    title.focus();
    return update();
  }

  async function update() {
    if (!job) return;
    const asked = job;
    try {
      const { items } = await call('GET', `${pathOfJob(asked)}/runs`, { signal });
      if (asked === job) show(items);
    } catch (error) {
      if (asked === job && !signal.aborted) content.replaceChildren(...failureText(error));
    }
  }

  /** Leaves the table alone if nothing has changed, so that it stays focused and scrolled. */
  function show(runs) {
    const next = JSON.stringify(runs);
    if (next === shown) return;
    shown = next;
    content.replaceChildren(createTable(`Runs of ${job.fullName}`, columns, runs, 'It has not run yet.'));
  }

  return { element: section, open, update };
}
