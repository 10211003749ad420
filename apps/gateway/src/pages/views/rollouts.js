// Shows a time line for each process, under what clients saw at the same time.

import { createCurve, createKeys, curveHeight } from '../curve.js';
import { announce, drawing, element, emptyTable, namedRow } from '../dom.js';
import { watchSystem } from '../live.js';
import { isThere } from '../rates.js';
import { changesOf, partsOf, processesOf, seenByClients } from '../timeline.js';

/** The time that is shown; milliseconds. */
const shownMs = 300_000;
/** Maximum number of changes in the table. */
const maxChanges = 30;
/** Sizes in the drawing; pixels. */
const sizes = { label: 150, bar: 14, space: 8 };

const keys = {
  ready: 'ready',
  starting: 'starting or unready',
  draining: 'draining',
  failed: 'failed',
  shed: 'shed',
};

const words = {
  draining: 'SIGTERM: draining',
  closing: 'closing: no new connections',
  gone: 'gone: the process has ended',
};

/** Shows the view in an element until the returned function is called. */
export function show(view) {
  const summary = element('p', {
    class: 'quiet',
    role: 'status',
    text: 'Loading the state of the services.',
  });
  const chart = drawing('svg', { class: 'curves', 'aria-hidden': 'true' });
  const heads = ['Time', 'Service', 'Process', 'Change'].map((head) => ({ head }));
  const [changes, rows] = emptyTable('Changes', heads);
  view.append(summary, createKeys(keys), chart, element('h3', { text: 'Changes' }), changes);

  let draw = () => {};
  const stop = watchSystem(({ readings, isLost }) => {
    const last = readings.at(-1);
    if (!last) return;
    const from = last.at - shownMs;
    const recent = readings.filter(({ at }) => at >= from);
    const processes = processesOf(recent);
    draw = () => drawAll(chart, { from, to: last.at, processes, seen: seenByClients(recent) });
    draw();
    const shown = changesOf(processes, from, last.at).slice(0, maxChanges);
    rows.replaceChildren(
      ...shown.map(({ at, service, instance, state }) =>
        namedRow(new Date(at).toLocaleTimeString(), service, instance, words[state] ?? state),
      ),
    );
    announce(summary, isLost ? 'The gateway does not respond.' : sentence(processes));
  });
  const resized = new ResizeObserver(() => draw());
  resized.observe(chart);
  return () => {
    stop();
    resized.disconnect();
  };
}

function sentence(processes) {
  const present = processes.filter(isThere);
  const count = (state) => present.filter((each) => each.state === state).length;
  const others = ['starting', 'unready', 'draining', 'closing'].filter((state) => count(state) > 0);
  const counts = others.map((state) => `${count(state)} ${state}`);
  return `${[`${count('ready')} processes are ready`, ...counts].join(', ')}.`;
}

function drawAll(chart, { from, to, processes, seen }) {
  const width = Math.max(320, chart.clientWidth);
  const place = (at) => sizes.label + ((at - from) / (to - from)) * (width - sizes.label);
  const curves = [
    createCurve('requests a second', seen, { place, top: 0, names: ['count', 'failed', 'rejected'] }),
    createCurve('p99, ms', seen, { place, top: curveHeight, names: ['p99Ms'] }),
  ];
  const top = curves.length * curveHeight;
  const lines = processes.map((each, index) => {
    return timeline(each, from, place, top + index * (sizes.bar + sizes.space));
  });
  const height = top + processes.length * (sizes.bar + sizes.space);
  chart.setAttribute('viewBox', `0 0 ${width} ${height}`);
  chart.style.height = `${height}px`;
  chart.replaceChildren(...curves, ...lines);
}

function timeline({ service, instance, history, lastRequestAt, seenAt }, from, place, top) {
  const bars = partsOf(history, from, seenAt).map((part) =>
    drawing('rect', {
      class: `bar ${part.state}`,
      x: place(part.from),
      y: top,
      width: Math.max(1, place(part.to) - place(part.from)),
      height: sizes.bar,
    }),
  );
  const last = Date.parse(lastRequestAt ?? '');
  const mark =
    last >= from
      ? [drawing('rect', { class: 'last', x: place(last) - 1, y: top - 2, width: 2, height: sizes.bar + 4 })]
      : [];
  const label = drawing('text', { x: 0, y: top + sizes.bar - 2, text: `${service} ${instance.slice(0, 8)}` });
  return drawing('g', { 'data-process': instance }, label, ...bars, ...mark);
}
