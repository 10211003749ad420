// Draws the goodput of a load over what it offered: a point for each second.

import { createKeys } from '../../curve.js';
import { drawing, element } from '../../dom.js';
import { figure } from '../../rates.js';

/** Sizes in the drawing; pixels. */
const size = { width: 480, height: 220, left: 60, bottom: 40, top: 10, right: 20 };

/** Makes the drawing, with `update(points)`. It is hidden while there are none. */
export function createGoodput() {
  const svg = drawing('svg', { role: 'img', viewBox: `0 0 ${size.width} ${size.height}` });
  const keys = createKeys({ guarded: 'with guards', unguarded: 'guards off' });
  const figureElement = element('div', { class: 'goodput', hidden: true }, svg, keys);
  return {
    element: figureElement,
    update(points) {
      figureElement.hidden = points.length === 0;
      svg.setAttribute('aria-label', describe(points));
      svg.replaceChildren(...draw(points));
    },
  };
}

function describe(points) {
  const highest = (areOff) => {
    const own = points.filter(({ areGuardsOff }) => areGuardsOff === areOff);
    return own.length > 0 ? figure(Math.max(...own.map(({ answered }) => answered))) : 'unknown';
  };
  return `Goodput over load, requests per second. Highest with guards: ${highest(false)}, with guards off: ${highest(true)}.`;
}

function draw(points) {
  const { width, height, left, bottom, top, right } = size;
  const [base, end] = [height - bottom, width - right];
  const [maxOffered, maxAnswered] = ['offered', 'answered'].map((name) =>
    Math.max(1, ...points.map((each) => each[name])),
  );
  const x = (value) => left + (value / maxOffered) * (end - left);
  const y = (value) => base - (value / maxAnswered) * (base - top);
  const text = (at, anchor, content) => drawing('text', { ...at, 'text-anchor': anchor, text: content });
  const dots = points.map(({ offered, answered, areGuardsOff }) =>
    drawing('circle', {
      ...{ cx: x(offered).toFixed(1), cy: y(answered).toFixed(1), r: 4 },
      class: areGuardsOff ? 'unguarded' : 'guarded',
    }),
  );
  return [
    drawing('path', { class: 'axes', d: `M${left} ${top}V${base}H${end}` }),
    text({ x: left - 8, y: top + 10 }, 'end', figure(maxAnswered)),
    text({ x: left - 8, y: base }, 'end', '0'),
    text({ x: end, y: base + 16 }, 'end', figure(maxOffered)),
    text({ x: (left + end) / 2, y: height - 6 }, 'middle', 'answered in time, over offered; per second'),
    ...dots,
  ];
}
