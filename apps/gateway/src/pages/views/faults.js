// Shows the experiments that run, and lets administrators cause faults in services and their stores.

import { send } from '../api.js';
import { element, emptyTable, heading, namedRow } from '../dom.js';
import { describe, runningIn, secondsLeft } from '../experiments.js';
import { createForm } from '../form.js';
import { watchSystem } from '../live.js';
import { createPanel } from '../panel.js';
import { call, isAdmin } from '../session.js';
import { adminHint, showForSession } from '../session-view.js';
import { docsUrl, services } from '../system.js';

const labs = [
  { lab: 'slow-service', fault: 'Latency of a service', shows: 'its callers wait, up to their deadlines' },
  {
    lab: 'failing-service',
    fault: 'Errors of a service',
    shows: 'retries, the retry budget and the breaker',
  },
  { lab: 'hanging-service', fault: 'A service that hangs', shows: 'deadlines, and callers that stay up' },
  {
    lab: 'slow-store',
    fault: 'Latency of a store',
    shows: 'fewer requests at a time, and no queue without end',
  },
  {
    lab: 'store-down',
    fault: 'Errors or a hang of a store',
    shows: 'a service that is unready and not dead',
  },
];

const pathOf = (service) => `/api/v1/system/experiments/${service}`;

/** Shows the view in an element until the returned function is called. */
export function show(view) {
  const running = createRunning();
  const controls = element('div');
  view.append(running.element, controls, labTable());
  const stopRunning = watchSystem(running.update);
  const stopControls = showForSession(controls, (signal) =>
    isAdmin() ? [controlPanel(signal)] : [adminHint('Only administrators cause faults.')],
  );
  return () => {
    stopRunning();
    stopControls();
  };
}

function createRunning() {
  const columns = ['Service', 'Processes', 'Experiment', 'Ends'].map((head) => ({ head }));
  const [table, rows] = emptyTable('Running experiments', columns);
  const text = element('p', { class: 'quiet' }, 'Loading the state of the services.');
  return {
    element: element('section', {}, heading(3, 'Running now'), text, table),
    update({ readings }) {
      const last = readings.at(-1);
      if (!last) return;
      const running = runningIn(last.services);
      text.hidden = running.length > 0;
      text.textContent = 'No experiment runs.';
      table.hidden = running.length === 0;
      rows.replaceChildren(...running.map((each) => runningRow(each, last.at)));
    },
  };
}

function runningRow({ service, processes, experiment }, at) {
  const seconds = secondsLeft(experiment, at);
  const end = seconds === undefined ? 'with the process, by its setting FAULT' : `in ${seconds} s`;
  return namedRow(service, processes.join(', '), describe(experiment), end);
}

function controlPanel(signal) {
  const load = async () => {
    const { allowsExperiments } = await send('GET', '/api/v1/system', { signal });
    if (allowsExperiments) return [element('div', { class: 'columns' }, faultForm(), endForm())];
    return [element('p', {}, 'Experiments are not allowed here. The setting EXPERIMENTS_TOKEN allows them.')];
  };
  return createPanel('Cause a fault', load, signal);
}

const service = { name: 'service', label: 'Service', options: services.map((name) => [name, name]) };

const number = (name, label, value, max, hint) => ({
  ...{ name, label, value, max, hint },
  ...{ type: 'number', min: 1, required: true },
});

/** The names of the fields are those in a problem, so that an error is shown beside its field. */
const faultFields = [
  service,
  {
    name: 'fault.on',
    label: 'Where',
    options: [
      ['service', 'its requests'],
      ['store', 'its store'],
    ],
  },
  {
    name: 'fault.kind',
    label: 'Fault',
    options: [
      ['latency', 'latency'],
      ['error', 'errors'],
      ['hang', 'hang'],
    ],
  },
  number('fault.ms', 'Latency in milliseconds', 500, 60_000, 'Only for latency'),
  number('fault.share', 'Share in percent', 100, 100, 'Of the requests or commands that have the fault'),
  number('seconds', 'Length in seconds', 30, 300, 'At most five minutes'),
];

function faultForm() {
  return createForm({
    label: 'Cause a fault',
    fields: faultFields,
    submit: 'Start',
    async send({ service, ...values }) {
      const kind = values['fault.kind'];
      const fault = {
        on: values['fault.on'],
        kind,
        ms: kind === 'latency' ? Number(values['fault.ms']) : undefined,
        share: Number(values['fault.share']) / 100,
      };
      const body = { fault, seconds: Number(values.seconds) };
      return sentence('Started', service, await call('PUT', pathOf(service), { body }));
    },
  });
}

function endForm() {
  return createForm({
    label: 'End an experiment',
    fields: [service],
    submit: 'End the experiment now',
    send: async ({ service }) => sentence('Ended', service, await call('DELETE', pathOf(service))),
  });
}

/** Says what was done, and where it could not be done. */
function sentence(done, service, { replicas, failures }) {
  const processes = replicas === 1 ? '1 process' : `${replicas} processes`;
  return [`${done} in ${processes} of ${service}.`, ...failures].join(' Not in another one: ');
}

function labTable() {
  const [table, rows] = emptyTable(
    'Labs',
    ['Fault', 'What it shows', 'Lab'].map((head) => ({ head })),
  );
  for (const { lab, fault, shows } of labs) {
    const row = namedRow(fault, shows);
    row.append(element('td', {}, element('a', { href: `${docsUrl}/labs/${lab}.md` }, lab)));
    rows.append(row);
  }
  return element('section', {}, heading(3, 'Labs'), table);
}
