// The plans that can be chosen.

import { send } from '../../api.js';
import { element } from '../../dom.js';
import { money, number } from '../../format.js';
import { createPanel } from '../../panel.js';
import { createTable } from '../../table.js';

/** Loads the plans. They are the same for everyone. */
export async function loadPlans(signal) {
  const { items } = await send('GET', '/api/v1/plans', { signal });
  return items;
}

/** Makes the table of plans for people who are not logged in. */
export function planPanel(signal) {
  return createPanel('Plans', async () => [planTable(await loadPlans(signal))], signal);
}

export function planTable(plans) {
  const columns = [
    { head: 'Plan', value: ({ name }) => name },
    { head: 'Price per month', value: ({ price, currency }) => money(price, currency), isNumber: true },
    { head: 'Usage', value: ({ meters, currency }) => meterList(meters, currency) },
  ];
  return createTable('Plans', columns, plans, 'There are no plans.');
}

function meterList(meters, currency) {
  const items = meters.map(({ metric, included, price, per }) =>
    element(
      'li',
      {},
      `${metric}: ${number(included)} included, then ${money(price, currency)} per ${number(per)}`,
    ),
  );
  return element('ul', {}, ...items);
}
