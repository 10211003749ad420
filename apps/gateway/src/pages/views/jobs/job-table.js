// The table of all jobs, with the buttons that control them.

import { announce, element } from '../../dom.js';
import { failureText } from '../../failure.js';
import { duration, number, relative, time } from '../../format.js';
import { call } from '../../session.js';
import { pathOfJob } from './load.js';

const heads = ['Job', 'State', 'Next run', 'Last run', 'Succeeded', 'Failed'];
const percentiles = ['p50', 'p75', 'p95', 'p99'];
const firstNumber = heads.indexOf('Succeeded');

/**
 * Makes the table. An update changes only text, so that a focused button stays focused.
 *
 * @param {() => Promise<void>} options.refresh loads the jobs again
 * @param {(job: object) => void} options.showHistory
 */
export function createJobTable({ signal, refresh, showHistory }) {
  const status = element('p', { role: 'status', class: 'quiet' }, 'Loading the jobs.');
  const alert = element('div', { role: 'alert', class: 'error' });
  const body = element('tbody');
  const rows = new Map();

  async function act(method, job, path, text) {
    alert.replaceChildren();
    try {
      const result = await call(method, `${pathOfJob(job)}${path}`, { signal });
      announce(status, text(result));
      await refresh();
    } catch (error) {
      if (!signal.aborted) alert.replaceChildren(...failureText(error));
    }
  }

  const actions = {
    run: (job) => act('POST', job, '/runs', ({ id }) => `${job.fullName}: run ${id} has been requested.`),
    pause: (job) => act('PUT', job, '/pause', () => `${job.fullName} is paused.`),
    resume: (job) => act('DELETE', job, '/pause', () => `${job.fullName} is resumed.`),
    showHistory,
  };

  function update(jobs) {
    if (rows.size === 0) announce(status, '');
    for (const job of jobs) {
      const row = rows.get(job.fullName) ?? createRow(actions);
      rows.set(job.fullName, row);
      row.update(job);
    }
    const shown = jobs.map(({ fullName }) => rows.get(fullName).element);
    const isSame =
      shown.length === body.children.length && shown.every((row, at) => body.children[at] === row);
    if (!isSame) body.replaceChildren(...shown);
  }

  const headCells = [...heads, ...percentiles, 'Actions'].map((text, index) =>
    element('th', { scope: 'col', class: isNumber(index) ? 'number' : undefined }, text),
  );
  const table = element(
    'div',
    { class: 'scroll dense', role: 'region', tabindex: '0', 'aria-label': 'Jobs' },
    element('table', { 'aria-label': 'Jobs' }, element('thead', {}, element('tr', {}, ...headCells)), body),
  );
  return { element: element('section', {}, table, status, alert), update };
}

const isNumber = (index) => index >= firstNumber && index < heads.length + percentiles.length;

function createRow(actions) {
  let job;
  const name = element('strong');
  const begins = element('div', { class: 'quiet' });
  const head = element('th', { scope: 'row' }, name, begins);
  const cells = [...heads, ...percentiles]
    .slice(1)
    .map((_, index) => element('td', { class: isNumber(index + 1) ? 'number' : undefined }));
  const button = (text, onclick) => element('button', { type: 'button', onclick }, text);
  const run = button('Run now', () => actions.run(job));
  const pause = button('Pause', () => (job.paused ? actions.resume(job) : actions.pause(job)));
  const history = button('History', () => actions.showHistory(job));
  const buttons = element('td', {}, element('div', { class: 'buttons' }, run, pause, history));

  function update(next) {
    job = next;
    name.textContent = job.fullName;
    begins.textContent = beginOf(job);
    for (const [index, text] of textsOf(job).entries()) cells[index].textContent = text;
    cells[0].className = `state ${job.state}`;
    cells[1].title = time(job.nextRunAt);
    pause.textContent = job.paused ? 'Resume' : 'Pause';
    for (const each of [run, pause, history])
      each.setAttribute('aria-label', `${each.textContent}: ${job.fullName}`);
  }
  return { element: element('tr', {}, head, ...cells, buttons), update };
}

function beginOf({ schedule, timeZone, parents }) {
  const zone = schedule && timeZone !== 'UTC' ? timeZone : '';
  const after = parents.length > 0 ? `after ${parents.join(', ')}` : '';
  return [schedule, zone, after].filter(Boolean).join(' ');
}

function textsOf({ state, nextRunAt, lastRun, succeeded, failed, durations }) {
  return [
    state,
    relative(nextRunAt),
    lastRun
      ? [lastRun.state, lastRun.endedAt && relative(lastRun.endedAt)].filter(Boolean).join(' ')
      : 'never',
    number(succeeded),
    number(failed),
    ...percentiles.map((key) => duration(durations?.[key])),
  ];
}
