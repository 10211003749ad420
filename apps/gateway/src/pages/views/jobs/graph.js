// Draws which jobs wait for which.

import { drawing, element, heading } from '../../dom.js';

const box = { width: 230, height: 48, columnGap: 70, rowGap: 20 };

/** Makes the section. `update` draws the graph again if it has changed. */
export function createGraph() {
  const content = element('div');
  const section = element('section', {}, heading(3, 'Parents'), content);
  let drawn;
  function update(jobs) {
    const next = JSON.stringify(jobs.map(({ fullName, parents, state }) => [fullName, parents, state]));
    if (next === drawn) return;
    drawn = next;
    content.replaceChildren(draw(jobs));
  }
  return { element: section, update };
}

function draw(jobs) {
  const edges = jobs.flatMap(({ fullName, parents }) => parents.map((parent) => [parent, fullName]));
  if (edges.length === 0) return element('p', { class: 'quiet' }, 'No job waits for another one.');
  const places = placesOf(edges);
  const states = new Map(jobs.map(({ fullName, state }) => [fullName, state]));
  const all = [...places.values()];
  const width = Math.max(...all.map(({ x }) => x)) + box.width + 4;
  const height = Math.max(...all.map(({ y }) => y)) + box.height + 4;
  const label = edges.map(([parent, child]) => `${child} waits for ${parent}.`).join(' ');
  const picture = drawing(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': label, class: 'graph' },
    arrowHead(),
    ...edges.map(([parent, child]) => drawEdge(places.get(parent), places.get(child))),
    ...[...places].map(([name, place]) => drawJob(name, place, states.get(name))),
  );
  return element(
    'div',
    { class: 'scroll', role: 'region', tabindex: '0', 'aria-label': 'Graph of jobs' },
    picture,
  );
}

/** Places each job that has a parent or a child. A job stands in the column after the last of its parents. */
function placesOf(edges) {
  const parentsOf = Map.groupBy(edges, ([, child]) => child);
  const columnOf = (name) =>
    Math.max(0, ...(parentsOf.get(name) ?? []).map(([parent]) => columnOf(parent) + 1));
  const columns = Map.groupBy(new Set(edges.flat()), columnOf);
  const places = [...columns].flatMap(([column, names]) =>
    names.map((name, row) => [
      name,
      { x: 2 + column * (box.width + box.columnGap), y: 2 + row * (box.height + box.rowGap) },
    ]),
  );
  return new Map(places);
}

function arrowHead() {
  const shape = drawing('path', { d: 'M0 0L8 4L0 8z' });
  const size = { markerWidth: 8, markerHeight: 8, refX: 8, refY: 4 };
  return drawing('defs', {}, drawing('marker', { id: 'arrow', orient: 'auto', ...size }, shape));
}

function drawEdge(from, to) {
  const [x1, y1] = [from.x + box.width, from.y + box.height / 2];
  const [x2, y2] = [to.x, to.y + box.height / 2];
  const middle = (x1 + x2) / 2;
  return drawing('path', {
    class: 'edge',
    d: `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`,
    'marker-end': 'url(#arrow)',
  });
}

/** A parent of a service that does not respond has no state. */
function drawJob(name, { x, y }, state = 'unknown') {
  return drawing(
    'g',
    { transform: `translate(${x} ${y})` },
    drawing('rect', { width: box.width, height: box.height, rx: 8 }),
    drawing('text', { x: 12, y: 20 }, name),
    drawing('text', { x: 12, y: 38, class: `state ${state}` }, state),
  );
}
