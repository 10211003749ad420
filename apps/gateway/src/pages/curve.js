// Draws figures over time as SVG. A table beside them has the newest values.

import { drawing, element } from './dom.js';
import { figure } from './rates.js';

/** Heights in the drawing; pixels. */
const sizes = { curve: 70, gap: 26 };
/** Height of a drawing with its space. */
export const curveHeight = sizes.curve + sizes.gap;

/**
 * Draws some figures over time, on the scale of the largest of them. A line is interrupted where its figure is unknown.
 *
 * @param {{ at: number }[]} points the figures at each time, by name
 * @param options.place returns the position of a time
 * @param options.top the upper edge
 * @param options.names the figures to draw; each is also the class of its line
 */
export function createCurve(title, points, { place, top, names }) {
  const largest = Math.max(1, ...points.flatMap((each) => names.map((name) => each[name] ?? 0)));
  const height = (value) => top + sizes.gap + sizes.curve * (1 - value / largest) - sizes.gap / 2;
  const lines = names.flatMap((name) =>
    partsOf(points, name).map((part) => {
      const corners = part.map((each) => `${place(each.at).toFixed(1)},${height(each[name]).toFixed(1)}`);
      // A line of one point is not drawn, but one that ends where it starts is.
      if (corners.length === 1) corners.push(corners[0]);
      return drawing('polyline', { class: `curve ${name}`, points: corners.join(' ') });
    }),
  );
  const label = drawing('text', { x: 0, y: top + sizes.gap, text: title });
  const scale = drawing('text', {
    class: 'scale',
    x: 0,
    y: top + sizes.gap + 18,
    text: `up to ${figure(largest)}`,
  });
  return drawing('g', {}, label, scale, ...lines);
}

/** Returns the runs of points that have a figure. */
function partsOf(points, name) {
  const parts = [[]];
  for (const point of points) {
    if (point[name] !== undefined) parts.at(-1).push(point);
    else if (parts.at(-1).length > 0) parts.push([]);
  }
  return parts.filter((part) => part.length > 0);
}

/** Makes the list that says what the colours mean: texts by the class of their colour. */
export function createKeys(texts) {
  const items = Object.entries(texts).map(([name, text]) => element('li', { class: name, text }));
  return element('ul', { class: 'keys' }, ...items);
}
