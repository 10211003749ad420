import { problem } from '@slipway/contracts/errors';
import type { RecurringRow, RevenueRow, SignUpsRow, Span, TopUsageRow } from '@slipway/contracts/reporting';
import { RejectedEvent } from '@slipway/platform/events/inbox';
import { add, type Figure, type FigurePosition, type FigureStore, type Report, valuesOf } from './figures.ts';

/**
 * Reports payments, refunds and net revenue by period, plan and currency, in minor units.
 *
 * @throws {Problem} invalid_request if `to` is before `from`.
 */
export function revenue(store: FigureStore, span: Span): AsyncGenerator<RevenueRow> {
  const figures = byPeriod(figuresOf(store, 'revenue', range(span)), span.by);
  return rowsOf(figures, ({ group, breakdown, sums: [paid, refunded] }) => {
    const [planId = '', currency = ''] = valuesOf(breakdown);
    return { period: group, planId, currency, paid, refunded, net: paid - refunded };
  });
}

/** Reports active subscriptions and their monthly revenue, by plan and currency. */
export function recurring(store: FigureStore): AsyncGenerator<RecurringRow> {
  return rowsOf(figuresOf(store, 'recurring', {}), ({ group, breakdown, sums: [active, monthlyRevenue] }) =>
    active === 0 ? undefined : { planId: group, currency: breakdown, active, monthlyRevenue },
  );
}

/**
 * Reports the number of accounts created and deleted, by period.
 *
 * @throws {Problem} invalid_request if `to` is before `from`.
 */
export function signUps(store: FigureStore, span: Span): AsyncGenerator<SignUpsRow> {
  const figures = byPeriod(figuresOf(store, 'signUps', range(span)), span.by);
  return rowsOf(figures, ({ group, sums: [signedUp, deleted] }) => ({ period: group, signedUp, deleted }));
}

/** Reports the subscriptions with the highest usage of a metric, highest first. */
export async function* topUsage(
  store: FigureStore,
  { metric, limit }: { metric: string; limit: number },
): AsyncGenerator<TopUsageRow> {
  for (const { breakdown, sums } of await store.largest('usage', metric, limit)) {
    const [subscriptionId = '', userId = ''] = valuesOf(breakdown);
    const [quantity, records] = sums;
    yield { subscriptionId, userId, quantity, records };
  }
}

/** Converts figures to rows, without those for which `rowOf` returns `undefined`. */
async function* rowsOf<Row>(
  figures: AsyncIterable<Figure>,
  rowOf: (figure: Figure) => Row | undefined,
): AsyncGenerator<Row> {
  for await (const figure of figures) {
    const row = rowOf(figure);
    if (row) yield row;
  }
}

function range({ from, to }: Span): { from?: string; to?: string } {
  if (from && to && from > to) {
    throw problem('invalid_request', `The report ends on ${to}, before it begins on ${from}`, {
      fields: [{ field: 'query.to', message: 'must not be before query.from' }],
    });
  }
  return { from, to };
}

/** Number of figures read from the store at a time. */
const batchSize = 500;

/** Returns all figures of a report. They are read in batches, so that memory does not grow with the report. */
async function* figuresOf(
  store: FigureStore,
  report: Report,
  groups: { from?: string; to?: string },
): AsyncGenerator<Figure> {
  let after: FigurePosition | undefined;
  for (;;) {
    const figures = await store.figures(report, groups, batchSize, after);
    yield* figures;
    after = figures.at(-1);
    if (figures.length < batchSize) return;
  }
}

/**
 * Adds up the figures of each period. The figures are sorted by day, so that one period is in memory at a time.
 *
 * @returns figures whose group is the period key: `YYYY-MM-DD`, or `YYYY-MM` for a month
 */
async function* byPeriod(figures: AsyncIterable<Figure>, by: Span['by']): AsyncGenerator<Figure> {
  const period = new Map<string, Figure>();
  let currentKey: string | undefined;
  for await (const figure of figures) {
    const periodKey = by === 'month' ? figure.group.slice(0, 'YYYY-MM'.length) : figure.group;
    if (periodKey !== currentKey) {
      yield* sorted(period);
      period.clear();
      currentKey = periodKey;
    }
    const total = period.get(figure.breakdown);
    const sums = total ? addUp(total, figure) : figure.sums;
    period.set(figure.breakdown, { ...figure, group: periodKey, sums });
  }
  yield* sorted(period);
}

function sorted(period: Map<string, Figure>): Figure[] {
  return [...period.values()].sort((a, b) => (a.breakdown < b.breakdown ? -1 : 1));
}

function addUp(a: Figure, b: Figure) {
  try {
    return add(a.sums, b.sums);
  } catch (error) {
    if (!(error instanceof RejectedEvent)) throw error;
    throw problem('sum_too_large', 'Request the report by day');
  }
}
