import { figuresOf } from '../rollout/figures.ts';
import type { Sample } from '../rollout/open-load.ts';
import { binsOf, drawShort, type Scale } from './draw-short.ts';
import type { Restart, Rollout } from './rollout.ts';
import { colours, element, picture, rect, text } from './svg.ts';

const width = 980;
const left = 150;
/** Height of one run. */
const panel = 300;

/** Returns the result of a run in words. */
export function resultOf({ short, long }: Rollout): string {
  const { sent, failed, shed } = figuresOf([...short, ...long]);
  const others = shed > 0 ? `, ${shed} shed` : '';
  return `${failed} of ${sent.toLocaleString('en-US')} requests failed${others}`;
}

/** Says what the picture shows, for those who cannot see it. */
export function describeRollouts(naive: Rollout, drained: Rollout): string {
  return `Without a drain ${resultOf(naive)}; with the platform's drain ${resultOf(drained)}.`;
}

/** Draws two rolling restarts below each other, on one time scale. */
export function drawRollouts(naive: Rollout, drained: Rollout): string {
  const seconds = Math.max(naive.seconds, drained.seconds);
  const x = (at: number) => left + (at / seconds) * (width - left - 20);
  const slowest = Math.max(100, ...[naive, drained].flatMap(binsOf).map(({ p99 }) => p99));
  return picture(
    width,
    2 * panel + 44,
    'Two replicas of billing are restarted, one after the other, under load',
    describeRollouts(naive, drained),
    drawRun(0, `Without a drain: ${resultOf(naive)}`, naive, x, slowest),
    drawRun(panel, `With the platform's drain: ${resultOf(drained)}`, drained, x, slowest),
    drawTimes(2 * panel, seconds, x),
  );
}

function drawRun(top: number, title: string, run: Rollout, x: Scale, slowest: number): string {
  const failed = [...run.short, ...run.long].some(({ outcome }) => outcome === 'failed');
  const shapes = [
    text(16, 28, title, {
      'font-size': 16,
      'font-weight': 600,
      fill: failed ? colours.failed : colours.good,
    }),
    ...[1, 2].map((replica) => drawReplica(replica, run, x)),
    drawLong(run, x),
    drawShort(run, x, slowest),
  ];
  return element('g', { transform: `translate(0 ${top})` }, ...shapes);
}

/** A replica's life: serving, draining, absent, serving again. */
function drawReplica(replica: number, { restarts, seconds }: Rollout, x: Scale): string {
  const y = 20 + replica * 26;
  const restart = restarts.find((each) => each.replica === replica) as Restart;
  const { sigterm, unready, lastRequest, exit, ready } = restart;
  const span = (from: number, to: number, colour: string) =>
    rect(x(from), y, x(to) - x(from), 14, colour, { rx: 2 });
  return [
    text(16, y + 12, `billing ${replica}`),
    span(0, sigterm, colours.light),
    span(sigterm, exit, colours.warning),
    element('path', {
      d: `M${x(exit)} ${y + 7}H${x(ready)}`,
      stroke: colours.faint,
      'stroke-dasharray': '2 3',
    }),
    span(ready, seconds, colours.light),
    text(x(sigterm) - 4, y + 11, 'SIGTERM', { 'text-anchor': 'end', 'font-size': 10 }),
    unready === undefined ? '' : text(x(sigterm) + 4, y + 11, 'draining', { 'font-size': 10 }),
    lastRequest === undefined ? '' : rect(x(lastRequest) - 1, y - 2, 2, 18, colours.text),
    text(x(ready) + 4, y + 11, 'ready', { 'font-size': 10 }),
  ].join('');
}

/** Each long request is a line from its begin to its answer. */
function drawLong({ long, begin, seconds }: Rollout, x: Scale): string {
  const ordered = long.toSorted((a, b) => a.dueAt - b.dueAt);
  const step = 84 / Math.max(1, ordered.length);
  const lines = ordered.map(({ dueAt, latency, outcome }, index) => {
    const from = (dueAt - begin) / 1_000;
    const to = Math.min(seconds, (dueAt + latency - begin) / 1_000);
    const y = 104 + index * step;
    const colour = colourOf(outcome);
    const end = outcome === 'ok' ? '' : text(x(to) - 4, y + 5, '✕', { fill: colour, 'font-weight': 700 });
    return (
      element('path', {
        d: `M${x(from).toFixed(1)} ${y.toFixed(1)}H${x(to).toFixed(1)}`,
        stroke: colour,
        'stroke-width': outcome === 'ok' ? 1 : 2,
      }) + end
    );
  });
  return [text(16, 118, 'uploads of 5–6 s'), ...lines].join('');
}

const colourOf = (outcome: Sample['outcome']) =>
  ({ ok: colours.good, shed: colours.warning, failed: colours.failed })[outcome];

function drawTimes(y: number, seconds: number, x: Scale): string {
  const marks = Array.from({ length: Math.floor(seconds / 5) + 1 }, (_, index) =>
    text(x(index * 5), y + 16, `${index * 5} s`, {
      'text-anchor': 'middle',
      fill: colours.faint,
      'font-size': 11,
    }),
  );
  const legend =
    'light green: ready · amber: from SIGTERM to exit, or shed · black mark: last request finished · red: failed';
  return [...marks, text(left, y + 36, legend, { fill: colours.faint, 'font-size': 11 })].join('');
}
