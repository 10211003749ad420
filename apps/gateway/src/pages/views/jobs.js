// The jobs of all services: their state, next runs, history and parents. Administrators control them.

import { element } from '../dom.js';
import { refreshed } from '../refresh.js';
import { isAdmin } from '../session.js';
import { adminHint, showForSession } from '../session-view.js';
import { createGraph } from './jobs/graph.js';
import { createHistory } from './jobs/history.js';
import { createJobTable } from './jobs/job-table.js';
import { loadJobs } from './jobs/load.js';

/** Shows the view in an element until the returned function is called. */
export function show(root) {
  return showForSession(root, (signal) =>
    isAdmin() ? jobParts(signal) : [adminHint('Only administrators see and control jobs.')],
  );
}

function jobParts(signal) {
  const alert = element('div', { role: 'alert', class: 'error' });
  const history = createHistory(signal);
  const table = createJobTable({ signal, refresh: () => refresh(), showHistory: history.open });
  const graph = createGraph();

  async function load() {
    const { jobs, failures } = await loadJobs(signal);
    table.update(jobs);
    graph.update(jobs);
    alert.replaceChildren(...failures);
    await history.update();
  }

  const refresh = refreshed(load, alert, signal);
  return [alert, table.element, history.element, graph.element];
}
