// One trace: a drawing of its spans over time, and a table with the same values.

import { drawing, element } from '../../dom.js';
import { duration, time } from '../../format.js';
import { createPanel } from '../../panel.js';
import { call } from '../../session.js';
import { createTable } from '../../table.js';
import { reasons } from './list.js';

const size = { width: 1_000, label: 380, row: 28, bar: 14, indent: 14 };
/** Minimum width of a bar, so that a short span is seen. */
const minBar = 2;

/** Makes the section with the trace of an id. */
export function createWaterfall(traceId, signal) {
  const load = async () =>
    partsOf(await call('GET', `/api/v1/system/traces/${encodeURIComponent(traceId)}`, { signal }));
  const back = element('p', {}, element('a', { href: '#traces' }, 'All traces'));
  return [back, createPanel(`Trace ${traceId}`, load, signal, { refresh: true })];
}

function partsOf(trace) {
  const { name, reason, status, ms, startedAt, zipkin, spans } = trace;
  const facts = [time(startedAt), `status ${status ?? '–'}`, took(ms), reasons[reason]].join(' · ');
  const link = zipkin ? element('p', {}, element('a', { href: zipkin }, 'This trace in Zipkin')) : undefined;
  return [
    element('p', {}, element('strong', {}, name)),
    element('p', { class: 'quiet' }, facts),
    element('div', { class: 'scroll', role: 'region', tabindex: 0, 'aria-label': 'Waterfall' }, draw(spans)),
    createTable('Spans', columns, spans, 'No span is stored.'),
    link,
  ].filter(Boolean);
}

const columns = [
  { head: 'Service', value: ({ service }) => service },
  { head: 'Span', value: ({ name, peer }) => (peer && !name.startsWith(peer) ? `${name} → ${peer}` : name) },
  { head: 'Below', value: ({ depth }) => String(depth), isNumber: true },
  { head: 'After', value: ({ offsetMs }) => took(offsetMs), isNumber: true },
  { head: 'Took', value: ({ ms }) => took(ms), isNumber: true },
  { head: 'Status', value: ({ status, error }) => [status, error].filter(Boolean).join(' ') || '–' },
  { head: 'Source file', value: ({ file }) => (file ? element('code', {}, file) : '–') },
];

const isFailed = ({ kind, status, error }) => status >= 500 || (kind !== 'server' && error !== undefined);

const took = (ms) => duration(ms < 10 ? Number(ms.toFixed(2)) : Math.round(ms));

/** Draws a bar for each span. The table has the texts for screen readers. */
function draw(spans) {
  const end = Math.max(...spans.map(({ offsetMs, ms }) => offsetMs + ms), 0.01);
  const place = (ms) => size.label + ((size.width - size.label) * ms) / end;
  const height = spans.length * size.row;
  const label = `${spans.length} spans in ${took(end)}. The table below has all values.`;
  return drawing(
    'svg',
    { viewBox: `0 0 ${size.width} ${height}`, role: 'img', 'aria-label': label, class: 'waterfall' },
    ...spans.map((span, index) => drawSpan(span, index * size.row, place)),
  );
}

function drawSpan(span, top, place) {
  const { service, name, kind, depth, offsetMs, ms } = span;
  const x = place(offsetMs);
  const middle = top + size.row / 2;
  const bar = drawing('rect', {
    class: `bar ${kind}${isFailed(span) ? ' failed' : ''}`,
    x: x.toFixed(1),
    y: top + (size.row - size.bar) / 2,
    width: Math.max(minBar, place(offsetMs + ms) - x).toFixed(1),
    height: size.bar,
    rx: 3,
  });
  const indent = size.indent * depth;
  const text = drawing(
    'text',
    { x: indent, y: middle, dy: '0.35em' },
    shortened(`${service} ${name}`, indent),
  );
  const hint = drawing('title', {}, `${service} ${name}: ${took(ms)}`);
  return drawing('g', {}, hint, text, bar);
}

/** Shortens a text to what fits beside the bars. */
function shortened(text, indent) {
  const fits = Math.max(10, Math.floor((size.label - indent) / 7.2));
  return text.length > fits ? `${text.slice(0, fits - 1)}…` : text;
}
