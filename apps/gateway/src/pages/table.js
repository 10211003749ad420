// Makes tables.

import { element, emptyTable, kindOf } from './dom.js';

/**
 * Makes a table of objects.
 *
 * @param {string} label name for screen readers
 * @param {{ head: string, value: (row: object) => (Node | string), isNumber?: boolean }[]} columns
 * @param {object[]} rows
 * @param {string} ifEmpty text instead of a table without rows
 */
export function createTable(label, columns, rows, ifEmpty) {
  if (rows.length === 0) return element('p', { class: 'quiet' }, ifEmpty);
  const [box, body] = emptyTable(label, columns);
  const lines = rows.map((row) =>
    element(
      'tr',
      {},
      ...columns.map(({ value, isNumber }) => element('td', { class: kindOf(isNumber) }, value(row))),
    ),
  );
  body.append(...lines);
  return box;
}
