import type { Chart } from '../questions.ts';
import type { Table } from './duckdb.ts';

const size = { width: 960, height: 420, left: 90, right: 20, top: 60, bottom: 90 };
const colours = ['#3b5bdb', '#1b7f4b', '#e0a100', '#c62828', '#7048a8', '#0b7285', '#d9480f', '#64748b'];
/** A picture with more bars cannot be read. */
const max = { labels: 24, series: colours.length };

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

/**
 * Draws an answer as SVG: groups of bars. If there are too many labels or series, the first ones are drawn, and a note
 * says so.
 */
export function toSvg(title: string, chart: Chart, table: Table): string {
  const bars = barsOf(chart, table);
  const labels = [...new Set(bars.map(({ label }) => label))];
  const series = [...new Set(bars.map((bar) => bar.series))];
  const shown = { labels: labels.slice(0, max.labels), series: series.slice(0, max.series) };
  const note = noteOf(labels.length, series.length);
  const values = bars.map(({ value }) => value);
  const scale = scaleOf(Math.min(0, ...values), Math.max(1, ...values));
  const step = (size.width - size.left - size.right) / Math.max(1, shown.labels.length);
  const width = (step * 0.8) / Math.max(1, shown.series.length);
  const shapes = bars.flatMap(({ label, series: name, value }) => {
    const [group, bar] = [shown.labels.indexOf(label), shown.series.indexOf(name)];
    if (group < 0 || bar < 0) return [];
    const x = size.left + group * step + step * 0.1 + bar * width;
    const [y, height] = [Math.min(scale(value), scale(0)), Math.abs(scale(value) - scale(0))];
    const hint = `<title>${escaped(`${label} ${name}: ${value}`)}</title>`;
    return `<rect x="${fixed(x)}" y="${fixed(y)}" width="${fixed(width)}" height="${fixed(height)}" fill="${colours[bar]}">${hint}</rect>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" role="img" font-family="system-ui, sans-serif" font-size="12" fill="#1f2933">`,
    `<title>${escaped(title)}</title><rect width="${size.width}" height="${size.height}" fill="#fff"/>`,
    text(size.left, 24, title, 'font-size="14"'),
    ...legend(shown.series),
    ...axis(chart, values, scale),
    ...shapes,
    ...shown.labels.map((label, index) => rotated(size.left + (index + 0.5) * step, label)),
    note && text(size.left, size.height - 8, note),
    '</svg>\n',
  ].join('\n');
}

type Bar = { label: string; series: string; value: number };

function barsOf({ value, label, series }: Chart, { columns, rows }: Table): Bar[] {
  const indexOf = (name: string) => columns.findIndex((column) => column.name === name);
  const [valueAt, labelAt, seriesAt] = [indexOf(value), indexOf(label), series.map(indexOf)];
  return rows.map((row) => ({
    label: String(row[labelAt]),
    series: seriesAt.map((index) => String(row[index])).join(' '),
    value: Number(row[valueAt] ?? 0),
  }));
}

function noteOf(labels: number, series: number): string {
  const parts = [
    labels > max.labels && `${max.labels} of ${labels} groups`,
    series > max.series && `${max.series} of ${series} series`,
  ].filter((part) => part !== false);
  return parts.length > 0 ? `Drawn: the first ${parts.join(' and ')}.` : '';
}

/** Returns the function from a value to its height on the page. */
function scaleOf(lowest: number, highest: number): (value: number) => number {
  const height = size.height - size.top - size.bottom;
  return (value) => size.top + ((highest - value) / (highest - lowest)) * height;
}

function legend(series: string[]): string[] {
  return series.flatMap((name, index) => {
    const x = size.left + index * 105;
    return name ? [text(x, 46, name, `fill="${colours[index]}"`)] : [];
  });
}

function axis({ value }: Chart, values: number[], scale: (value: number) => number): string[] {
  const ticks = [...new Set([Math.min(0, ...values), 0, Math.max(1, ...values)])];
  return [
    ...ticks.map(
      (tick) =>
        `<line x1="${size.left}" x2="${size.width - size.right}" y1="${fixed(scale(tick))}" y2="${fixed(scale(tick))}" stroke="#cbd5e1"/>`,
    ),
    ...ticks.map((tick) =>
      text(size.left - 8, scale(tick) + 4, tick.toLocaleString('en'), 'text-anchor="end"'),
    ),
    text(12, size.top - 14, value),
  ];
}

const fixed = (value: number) => value.toFixed(1);

const text = (x: number, y: number, content: string, attributes = '') =>
  `<text x="${fixed(x)}" y="${fixed(y)}" ${attributes}>${escaped(content)}</text>`;

const rotated = (x: number, content: string) => {
  const y = size.height - size.bottom + 16;
  return text(
    x,
    y,
    content.slice(0, 14),
    `text-anchor="end" transform="rotate(-40 ${fixed(x)} ${fixed(y)})"`,
  );
};
