// Shows what each service was offered, served and shed, and its latency, by priority.

import { createCurve, createKeys, curveHeight } from '../curve.js';
import { announce, drawing, element, emptyTable, namedRow, uniqueId } from '../dom.js';
import { watchSystem } from '../live.js';
import { pastOf, rejectedIn, requestsOf } from '../priorities.js';
import { figure } from '../rates.js';
import { createLoad } from './overload/load.js';

/** The time that is shown, which grows with the readings from the lowest to the highest; milliseconds. */
const shownMs = { min: 60_000, max: 300_000 };
/** Width of the labels of a drawing; pixels. */
const labelWidth = 150;

const keys = {
  offered: 'offered',
  served: 'served',
  failed: 'failed',
  shed: 'shed',
  p50Ms: 'p50',
  p99Ms: 'p99',
};
const perSecond = ['Offered', 'Served', 'Failed', 'Shed'].map((each) => `${each} per second`);
const heads = ['Service', 'Priority', ...perSecond, 'p50', 'p99', 'Shed in 5 min'];

/** Shows the view in an element until the returned function is called. */
export function show(view) {
  const summary = element('p', {
    class: 'quiet',
    role: 'status',
    text: 'Loading the state of the services.',
  });
  const choice = createChoice(() => {
    draw();
    load.update(recent, choice.value);
  });
  const charts = element('div', { class: 'columns wide' });
  const [table, rows] = emptyTable(
    'Requests by priority',
    heads.map((head) => ({ head })),
  );
  const load = createLoad();
  const parts = [summary, table, choice.element, load.element, createKeys(keys), charts];
  view.append(element('div', { class: 'overload' }, ...parts));

  let recent = [];
  const draw = () => drawCharts(charts, recent, choice.value);
  const stop = watchSystem(({ readings, isLost }) => {
    const last = readings.at(-1);
    if (isLost) announce(summary, 'The gateway does not respond.');
    if (!last) return;
    recent = readings.filter(({ at }) => at >= last.at - shownMs.max);
    const requests = requestsOf(last);
    choice.update(last.services.map(({ name }) => name));
    rows.replaceChildren(...requests.map((each) => row(each, rejectedIn(pastOf(recent, each)))));
    draw();
    load.update(recent, choice.value);
    if (!isLost) announce(summary, sentence(requests));
  });
  const resized = new ResizeObserver(draw);
  resized.observe(charts);
  return () => {
    stop();
    load.stop();
    resized.disconnect();
  };
}

/** Makes the choice of the service whose charts are shown. The address has it, such as `#overload/billing`. */
function createChoice(changed) {
  const id = uniqueId('service');
  const select = element('select', {
    id,
    onchange: () => {
      history.replaceState(null, '', `#overload/${select.value}`);
      changed();
    },
  });
  return {
    element: element(
      'div',
      { class: 'field' },
      element('label', { for: id, text: 'Charts of the service' }),
      select,
    ),
    get value() {
      return select.value;
    },
    update(names) {
      const isSame = names.join() === [...select.options].map(({ value }) => value).join();
      if (isSame) return;
      const chosen = select.value || location.hash.split('/')[1];
      select.replaceChildren(...names.map((name) => element('option', { value: name, text: name })));
      if (names.includes(chosen)) select.value = chosen;
    },
  };
}

/** Names the services that shed, without figures: a screen reader announces every change. */
function sentence(requests) {
  const shedding = requests.filter(({ rejected }) => rejected > 0);
  if (shedding.length === 0) return 'No service sheds requests.';
  return `Shedding: ${shedding.map(({ service, priority }) => `${service} (${priority})`).join(', ')}.`;
}

function row({ service, priority, offered, served, failed, rejected, p50Ms, p99Ms }, shed) {
  const rates = [offered, served, failed, rejected].map((each) => figure(each));
  const latencies = [p50Ms, p99Ms].map((ms) => (ms === undefined ? '–' : `${ms} ms`));
  return namedRow(service, priority, ...rates, ...latencies, String(Math.round(shed)));
}

/** Draws the priorities of which a service had requests. */
function drawCharts(charts, readings, service) {
  const last = readings.at(-1);
  if (!last) return;
  const own = requestsOf(last).filter((each) => each.service === service);
  const names = own.map(({ priority }) => priority);
  const isSame = names.join() === [...charts.children].map(({ dataset }) => dataset.priority).join();
  if (!isSame) charts.replaceChildren(...names.map(createChart));
  for (const [index, { lastChild: svg }] of [...charts.children].entries()) {
    drawCurves(svg, pastOf(readings, own[index]), last.at);
  }
}

function createChart(priority) {
  const svg = drawing('svg', { class: 'curves', 'aria-hidden': 'true' });
  return element('section', { 'data-priority': priority }, element('h3', { text: priority }), svg);
}

function drawCurves(svg, points, to) {
  const width = Math.max(320, svg.clientWidth);
  const shown = Math.max(shownMs.min, to - points[0].at);
  const place = (at) => labelWidth + (1 + (at - to) / shown) * (width - labelWidth);
  const names = ['offered', 'served', 'failed', 'rejected'];
  svg.setAttribute('viewBox', `0 0 ${width} ${2 * curveHeight}`);
  svg.replaceChildren(
    createCurve('requests a second', points, { place, top: 0, names }),
    createCurve('p50 and p99, ms', points, { place, top: curveHeight, names: ['p50Ms', 'p99Ms'] }),
  );
}
