/** The plans that the analytics' questions know are those of billing. No service imports another, so a test compares. */
import { expect, it } from 'vitest';
import { plans } from '../../apps/billing/src/plans.ts';
import { openDuckDB } from '../../apps/reporting/src/analytics/duckdb.ts';
import { loadViews } from '../../apps/reporting/src/questions.ts';

it('the view of plans in apps/reporting/analytics/views/plans.sql has the catalogue of billing', async () => {
  const view = loadViews().find((sql) => sql.includes('VIEW plan_meters'));
  const duckdb = await openDuckDB({ temporaryFolder: '/nowhere' });
  await duckdb.run(view ?? '');
  const { rows } = await duckdb.query('SELECT * FROM plan_meters');
  duckdb.close();
  const expected = plans.flatMap(({ id, currency, price, meters }) =>
    meters.map(({ metric, included, price: unitPrice, per }) => [
      ...[id, currency, BigInt(price), metric],
      ...[included, unitPrice, per].map(BigInt),
    ]),
  );
  expect(rows).toEqual(expected);
});
