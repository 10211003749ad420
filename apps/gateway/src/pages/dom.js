// Makes elements. Text is always set as text, so nothing that a service or a person wrote becomes markup.

/**
 * Makes an element. The names of `properties` are those of attributes, and `text` is its text. A function becomes the
 * handler of an event, such as `onclick`. Children that are undefined are left out.
 *
 * @example
 * element('td', { class: 'state', text: 'ready' });
 */
export function element(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** Makes an element of SVG in the same way. */
export function drawing(tag, properties = {}, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), properties, children);
}

function fill(made, { text, ...attributes }, children) {
  if (text !== undefined) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made[name] = value;
    else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/**
 * Makes a table in a region that scrolls on narrow screens, also by keyboard. Returns the region, and the body for rows.
 *
 * @param {{ head: string, isNumber?: boolean }[]} columns
 */
export function emptyTable(label, columns) {
  const heads = columns.map(({ head, isNumber }) =>
    element('th', { scope: 'col', class: kindOf(isNumber) }, head),
  );
  const body = element('tbody');
  const thead = element('thead', {}, element('tr', {}, ...heads));
  const table = element('table', { 'aria-label': label }, thead, body);
  return [element('div', { class: 'scroll', role: 'region', tabindex: 0, 'aria-label': label }, table), body];
}

/** Makes the row of a table. The first cell names the row. */
export function namedRow(first, ...texts) {
  const cells = texts.map((text) => element('td', { text }));
  return element('tr', {}, element('th', { scope: 'row', text: first }), ...cells);
}

/** Returns the class of a column's cells. */
export const kindOf = (isNumber) => (isNumber ? 'number' : undefined);

/** Sets a text if it has changed: a screen reader announces every write to a live region. */
export function announce(region, text) {
  if (region.textContent !== text) region.textContent = text;
}

/** Makes a heading that can receive the focus, so that a screen reader continues there. */
export function heading(level, text) {
  return element(`h${level}`, { tabindex: -1, text });
}

let ids = 0;

/** Returns an id that no other element has, for labels and descriptions. */
export function uniqueId(name) {
  ids += 1;
  return `${name}-${ids}`;
}
