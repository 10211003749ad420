// Draws bar charts as SVG. Each chart stands beside a table with the same values.

import { drawing, element } from './dom.js';
import { number } from './format.js';

const size = { width: 720, height: 300, left: 90, right: 10, top: 16, bottom: 76 };
/** A chart with more bars cannot be read. */
const max = { labels: 24, series: 8 };
/** Maximum width of a bar. */
const maxWidth = 60;

/**
 * Draws a bar for each row: groups by `label`, with a colour for each `series`.
 *
 * @param {string} title
 * @param {{ label: string, series: string, value: number }[]} bars
 * @param {(value: number) => string} format text of a value on the axis
 * @returns the chart with its legend; undefined if there is nothing to draw
 */
export function createChart(title, bars, format = number) {
  if (bars.length === 0) return undefined;
  const all = { labels: unique(bars, 'label'), series: unique(bars, 'series') };
  const labels = all.labels.slice(0, max.labels);
  const series = all.series.slice(0, max.series);
  const values = bars.map(({ value }) => value);
  const scale = createScale(Math.min(0, ...values), Math.max(1, ...values));
  const step = (size.width - size.left - size.right) / labels.length;
  const picture = drawing(
    'svg',
    { viewBox: `0 0 ${size.width} ${size.height}`, role: 'img', 'aria-label': title, class: 'chart' },
    ...drawAxis(values, scale, format),
    ...drawBars(bars, { labels, series, step, scale, format }),
    ...labels.map((label, index) => drawLabel(size.left + (index + 0.5) * step, label)),
  );
  const note = noteOf(all);
  return element(
    'figure',
    {},
    element(
      'div',
      { class: 'scroll', role: 'region', tabindex: '0', 'aria-label': `Chart: ${title}` },
      picture,
    ),
    element('figcaption', { class: 'quiet' }, createLegend(series), note),
  );
}

const unique = (bars, key) => [...new Set(bars.map((bar) => bar[key]))];

/** Returns the function from a value to its height in the picture. */
function createScale(lowest, highest) {
  const height = size.height - size.top - size.bottom;
  return (value) => size.top + ((highest - value) / (highest - lowest)) * height;
}

function drawBars(bars, { labels, series, step, scale, format }) {
  const width = Math.min((step * 0.8) / series.length, maxWidth);
  const margin = (step - width * series.length) / 2;
  return bars.flatMap((bar) => {
    const [group, position] = [labels.indexOf(bar.label), series.indexOf(bar.series)];
    if (group < 0 || position < 0) return [];
    const hint = drawing('title', {}, `${bar.label} ${bar.series}: ${format(bar.value)}`);
    const shape = {
      x: fixed(size.left + group * step + margin + position * width),
      y: fixed(Math.min(scale(bar.value), scale(0))),
      width: fixed(width),
      height: fixed(Math.abs(scale(bar.value) - scale(0))),
      class: `series-${position}`,
    };
    return [drawing('rect', shape, hint)];
  });
}

function drawAxis(values, scale, format) {
  const ticks = new Set([Math.min(0, ...values), 0, Math.max(1, ...values)]);
  return [...ticks].flatMap((tick) => {
    const y = fixed(scale(tick));
    const text = drawing('text', { x: size.left - 8, y, dy: '0.3em', 'text-anchor': 'end' }, format(tick));
    return [drawing('line', { x1: size.left, x2: size.width - size.right, y1: y, y2: y }), text];
  });
}

function drawLabel(x, label) {
  const y = size.height - size.bottom + 16;
  const turn = `rotate(-30 ${fixed(x)} ${y})`;
  return drawing('text', { x: fixed(x), y, 'text-anchor': 'end', transform: turn }, shortened(label));
}

const shortened = (label) => (label.length > 14 ? `${label.slice(0, 13)}…` : label);

function createLegend(series) {
  const items = series.map((name, index) => {
    const colour = drawing('svg', { viewBox: '0 0 10 10', 'aria-hidden': 'true', class: 'swatch' });
    colour.append(drawing('rect', { width: 10, height: 10, class: `series-${index}` }));
    return element('li', {}, colour, name);
  });
  return element('ul', { class: 'legend' }, ...items);
}

function noteOf({ labels, series }) {
  const parts = [
    labels.length > max.labels && `${max.labels} of ${labels.length} groups`,
    series.length > max.series && `${max.series} of ${series.length} series`,
  ].filter(Boolean);
  return parts.length > 0 ? `Drawn: the first ${parts.join(' and ')}. The table has all.` : undefined;
}

const fixed = (value) => value.toFixed(1);
