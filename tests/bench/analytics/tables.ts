import { toSvg } from '@slipway/reporting/analytics/chart';
import { table } from '../report.ts';
import type { AnswerCost, Figures } from './figures.ts';

const millionsOf = ({ millions }: Figures) => `${millions} million`;

/** Returns the costs of exports: a row for each number of events and setting of memory. */
export function exportTable(all: Figures[]): string[] {
  const head = [
    ...['events, memory of DuckDB', 'events a second', 'CPU, µs an event', 'peak memory, MB'],
    ...['one late event: s', 'CPU, s', 'peak memory, MB'],
  ];
  const rows = all.flatMap((figures) =>
    Object.entries(figures.exports).map(([memory, { all: whole, late }]) => [
      `${millionsOf(figures)}, ${memory}`,
      (whole.events / whole.seconds).toFixed(0),
      ((whole.cpuSeconds / whole.events) * 1e6).toFixed(1),
      whole.peakMegabytes.toFixed(0),
      late.seconds.toFixed(1),
      late.cpuSeconds.toFixed(1),
      late.peakMegabytes.toFixed(0),
    ]),
  );
  return table(head, rows);
}

/** Returns the costs of answers: a row for each number of events and question, with time, CPU and memory by engine. */
export function answerTable(all: Figures[]): string[] {
  const engines = [...new Set(all.flatMap(({ answers }) => Object.keys(answers)))];
  const head = ['', ...engines.flatMap((engine) => [`${engine}: s`, 'CPU, s', 'peak memory, MB'])];
  const rows = all.flatMap((figures) => {
    const names = [...new Set(engines.flatMap((engine) => Object.keys(figures.answers[engine] ?? {})))];
    return names
      .toSorted(startFirst)
      .map((name) => [
        `${millionsOf(figures)}: ${name}`,
        ...engines.flatMap((engine) => cells(figures.answers[engine]?.[name])),
      ]);
  });
  return table(head, rows);
}

const startFirst = (a: string, b: string) =>
  Number(b === 'start') - Number(a === 'start') || (a < b ? -1 : 1);

const cells = (cost?: AnswerCost) =>
  cost
    ? [cost.seconds.toFixed(2), cost.cpuSeconds.toFixed(2), cost.peakMegabytes.toFixed(0)]
    : ['–', '–', '–'];

/** Draws the time of all answers together, with the start of the engine, for each number of events. */
export function answerPicture(all: Figures[]): string {
  const rows = all.flatMap((figures) =>
    Object.entries(figures.answers).map(([engine, costs]) => [
      millionsOf(figures),
      engine,
      Object.values(costs).reduce((sum, { seconds }) => sum + seconds, 0),
    ]),
  );
  const columns = ['events', 'engine', 'seconds'].map((name) => ({ name, type: 'VARCHAR' }));
  const rounded = rows.map(([events, engine, seconds]) => [
    `${events}`,
    `${engine}`,
    Math.round(Number(seconds) * 10) / 10,
  ]);
  return toSvg(
    'Seconds until all seven questions are answered, on two cores',
    { value: 'seconds', label: 'events', series: ['engine'] },
    { columns, rows: rounded },
  );
}
