import type { Call } from './calls.ts';
import { colours, element, picture, rect, text } from './svg.ts';

type Box = { x: number; y: number; width: number; about: string };

const height = 46;

/** Where each part stands. A store stands behind its service. */
const boxes: Record<string, Box> = {
  clients: { x: 20, y: 127, width: 90, about: 'browsers, curl' },
  gateway: { x: 200, y: 127, width: 150, about: 'routing, tokens, limits' },
  users: { x: 450, y: 27, width: 150, about: 'accounts, sessions' },
  billing: { x: 450, y: 127, width: 150, about: 'invoices, payments' },
  reporting: { x: 450, y: 227, width: 150, about: 'figures from events' },
};
const stores: Record<string, Box> = {
  users: { x: 760, y: 27, width: 150, about: 'SQLite or MongoDB' },
  billing: { x: 760, y: 127, width: 150, about: 'SQLite or MongoDB' },
  reporting: { x: 760, y: 227, width: 150, about: 'SQLite or Datastore' },
};

/** Draws the system with the calls that its own metrics counted in so many seconds of load. */
export function drawSystem(calls: Call[], seconds: number): string {
  const fromClients = {
    from: 'clients',
    to: 'gateway',
    count: sum(calls.filter(({ from }) => from === 'gateway')),
  };
  const arrows = [fromClients, ...calls].map((call) => drawCall(call, seconds));
  const parts = Object.entries(boxes).map(([name, box]) => drawBox(name, box, colours.box));
  const tables = Object.entries(stores).map(([name, box]) => drawBox(`${name} store`, box, '#f4f6f8'));
  return picture(
    940,
    330,
    'Slipway: four services, each with a store of its own',
    `Calls a second, measured for ${seconds} s under the load of the rollout below.`,
    element('defs', {}, marker()),
    ...arrows,
    ...parts,
    ...tables,
    text(
      20,
      312,
      `Calls a second, as the metrics of the services counted them during ${seconds} s of load. Dotted: events, in batches.`,
      {
        fill: colours.faint,
        'font-size': 11,
      },
    ),
  );
}

const sum = (calls: Call[]) => calls.reduce((total, { count }) => total + count, 0);

function drawBox(name: string, { x, y, width, about }: Box, fill: string): string {
  const middle = { 'text-anchor': 'middle' };
  return [
    rect(x, y, width, height, fill, { rx: 6, stroke: colours.edge }),
    text(x + width / 2, y + 20, name, { ...middle, 'font-weight': 600 }),
    text(x + width / 2, y + 36, about, { ...middle, 'font-size': 11, fill: colours.faint }),
  ].join('');
}

function marker(): string {
  const size = {
    id: 'tip',
    viewBox: '0 0 8 8',
    refX: 7,
    refY: 4,
    markerWidth: 7,
    markerHeight: 7,
    orient: 'auto',
  };
  return element('marker', size, element('path', { d: 'M0 0L8 4L0 8z', fill: colours.edge }));
}

/** An arrow from the right edge of a box to the left edge of another; events go down, beside the boxes. */
function drawCall({ from, to, count }: Call, seconds: number): string {
  const start = boxes[from];
  const end = to === 'store' ? stores[from] : boxes[to];
  // The keys of users, which services read once, are left out.
  if (!start || !end || (to === 'users' && from !== 'gateway')) return '';
  const isEvent = to === 'reporting' && from !== 'gateway';
  const perSecond = String(Number((count / seconds).toFixed(count / seconds < 10 ? 1 : 0)));
  const line = { fill: 'none', stroke: colours.edge, 'stroke-width': 1.5, 'marker-end': 'url(#tip)' };
  if (isEvent) {
    const [x1, y1, y2] = [start.x + start.width, start.y + 36, end.y + (from === 'users' ? 12 : 26)];
    const reach = x1 + (from === 'users' ? 80 : 40);
    const d = `M${x1} ${y1}C${reach} ${y1} ${reach} ${y2} ${x1 + 2} ${y2}`;
    const label = text(x1 + (from === 'users' ? 66 : 6), from === 'users' ? 118 : 196, perSecond, {
      'font-size': 11,
    });
    return element('path', { d, ...line, 'stroke-dasharray': '3 3' }) + label;
  }
  const [x1, y1, x2, y2] = [start.x + start.width, start.y + 18, end.x, end.y + 18];
  const label = text((x1 + x2) / 2 + (to === 'store' ? 40 : 0), (y1 + y2) / 2 - 6, perSecond, {
    'font-size': 11,
    'text-anchor': 'middle',
  });
  return element('path', { d: `M${x1} ${y1}L${x2} ${y2}`, ...line }) + label;
}
