import { type Figures, figuresOf } from '../rollout/figures.ts';
import type { Rollout } from './rollout.ts';
import { colours, element, rect, text } from './svg.ts';

/** The position of a time, which is seconds. */
export type Scale = (seconds: number) => number;

/** Seconds that one bar covers. */
const bar = 0.5;

/** The figures of the requests that were due in each half second. */
export function binsOf({ short, begin, seconds }: Rollout): Figures[] {
  return Array.from({ length: Math.floor(seconds / bar) }, (_, index) => {
    const [from, to] = [begin + index * bar * 1_000, begin + (index + 1) * bar * 1_000];
    return figuresOf(short.filter(({ dueAt }) => dueAt >= from && dueAt < to));
  }).filter(({ sent }) => sent > 0);
}

/** Bars of the requests that were due in each half second, and a line of their 99th percentile. */
export function drawShort(run: Rollout, x: Scale, slowest: number): string {
  const bins = binsOf(run);
  const most = Math.max(...bins.map(({ sent }) => sent));
  const [base, height] = [288, 84];
  const bars = bins.flatMap(({ ok, shed, failed }, index) => {
    const [at, broad] = [x(index * bar) + 0.5, x(bar) - x(0) - 1];
    const tall = (count: number) => (count / most) * height;
    return [
      rect(at, base - tall(ok), broad, tall(ok), '#d7efe1'),
      shed ? rect(at, base - tall(ok + shed), broad, tall(shed), colours.warning) : '',
      failed
        ? rect(at, base - tall(ok + shed + failed), broad, Math.max(3, tall(failed)), colours.failed)
        : '',
    ];
  });
  const points = bins.map(
    ({ p99 }, index) =>
      `${x((index + 0.5) * bar).toFixed(1)},${(base - (p99 / slowest) * height).toFixed(1)}`,
  );
  return [
    text(16, 222, 'requests a second'),
    text(16, 240, `(bars, up to ${Math.round(most / bar)})`, { fill: colours.faint, 'font-size': 11 }),
    text(16, 262, 'p99 latency'),
    text(16, 280, `(line, up to ${Math.round(slowest)} ms)`, { fill: colours.faint, 'font-size': 11 }),
    ...bars,
    element('polyline', {
      points: points.join(' '),
      fill: 'none',
      stroke: colours.edge,
      'stroke-width': 1.8,
    }),
  ].join('');
}
