// The jobs of all services: their state, next runs, history and parents. Administrators control them.

import { element } from '../dom.js';
import { failureText } from '../failure.js';
import { isAdmin } from '../session.js';
import { showForSession } from '../session-view.js';
import { createGraph } from './jobs/graph.js';
import { createHistory } from './jobs/history.js';
import { createJobTable } from './jobs/job-table.js';
import { loadJobs } from './jobs/load.js';

/** Interval between two requests for the state; milliseconds. */
const refreshMs = 2_000;

/** Shows the view in an element until the returned function is called. */
export function show(root) {
  return showForSession(root, (signal) => (isAdmin() ? jobParts(signal) : [hint()]));
}

function hint() {
  const link = element('a', { href: '#business' }, 'Log in as an administrator');
  return element('p', {}, 'Only administrators see and control jobs. ', link, ' in the view Business.');
}

function jobParts(signal) {
  const alert = element('div', { role: 'alert', class: 'error' });
  const history = createHistory(signal);
  const table = createJobTable({ signal, refresh, showHistory: history.open });
  const graph = createGraph();
  let isLoading = false;

  async function refresh() {
    if (isLoading || document.hidden || signal.aborted) return;
    isLoading = true;
    try {
      const { jobs, failures } = await loadJobs(signal);
      table.update(jobs);
      graph.update(jobs);
      alert.replaceChildren(...failures);
      await history.update();
    } catch (error) {
      if (!signal.aborted) alert.replaceChildren(...failureText(error));
    } finally {
      isLoading = false;
    }
  }

  refresh();
  const timer = setInterval(refresh, refreshMs);
  signal.addEventListener('abort', () => clearInterval(timer));
  return [alert, table.element, history.element, graph.element];
}
