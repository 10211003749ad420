import { problem } from '@slipway/contracts/errors';
import type { RecurringRow, RevenueRow, SignUpsRow, Span, TopUsageRow } from '@slipway/contracts/reporting';
import { RefusedEvent } from '@slipway/platform/events/inbox';
import { add, type Figure, type FigureStore, type Place, partsOf, type Report } from './figures.ts';

/**
 * Payments less refunds, by period, plan and currency; amounts in minor units.
 *
 * @throws {Problem} invalid_request if the span ends before it begins.
 */
export function revenue(store: FigureStore, span: Span): AsyncGenerator<RevenueRow> {
  const figures = byPeriod(figuresOf(store, 'revenue', range(span)), span.by);
  return rowsOf(figures, ({ part, key, sums: [paid, refunded] }) => {
    const [planId = '', currency = ''] = partsOf(key);
    return { period: part, planId, currency, paid, refunded, net: paid - refunded };
  });
}

/** Active subscriptions and what they bring in a month, by plan and currency. */
export function recurring(store: FigureStore): AsyncGenerator<RecurringRow> {
  return rowsOf(figuresOf(store, 'recurring', {}), ({ part, key, sums: [active, monthlyRevenue] }) =>
    active === 0 ? undefined : { planId: part, currency: key, active, monthlyRevenue },
  );
}

/**
 * Accounts made and deleted, by period.
 *
 * @throws {Problem} invalid_request if the span ends before it begins.
 */
export function signUps(store: FigureStore, span: Span): AsyncGenerator<SignUpsRow> {
  const figures = byPeriod(figuresOf(store, 'signUps', range(span)), span.by);
  return rowsOf(figures, ({ part, sums: [signedUp, deleted] }) => ({ period: part, signedUp, deleted }));
}

/** The subscriptions that used most of a metric, the largest first. */
export async function* topUsage(
  store: FigureStore,
  { metric, limit }: { metric: string; limit: number },
): AsyncGenerator<TopUsageRow> {
  for (const { key, sums } of await store.largest('usage', metric, limit)) {
    const [subscriptionId = '', userId = ''] = partsOf(key);
    const [quantity, records] = sums;
    yield { subscriptionId, userId, quantity, records };
  }
}

/** Makes a report's rows, leaving out figures that say nothing. */
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
    throw problem('invalid_request', `The span ends on ${to}, before it begins on ${from}`, {
      fields: [{ field: 'query.to', message: 'must not be before query.from' }],
    });
  }
  return { from, to };
}

/** Figures that are read at a time. */
const batch = 500;

/** All figures of a report, read in batches, so that a long report needs no more memory than a short one. */
async function* figuresOf(
  store: FigureStore,
  report: Report,
  within: { from?: string; to?: string },
): AsyncGenerator<Figure> {
  let after: Place | undefined;
  for (;;) {
    const figures = await store.figures(report, within, batch, after);
    yield* figures;
    after = figures.at(-1);
    if (figures.length < batch) return;
  }
}

/** Adds up the figures of a period. They come by day, so one period's sums are held at a time. */
async function* byPeriod(figures: AsyncIterable<Figure>, by: Span['by']): AsyncGenerator<Figure> {
  const sums = new Map<string, Figure>();
  let period: string | undefined;
  for await (const figure of figures) {
    const its = by === 'month' ? figure.part.slice(0, 'YYYY-MM'.length) : figure.part;
    if (its !== period) {
      yield* inOrder(sums);
      sums.clear();
      period = its;
    }
    const before = sums.get(figure.key);
    sums.set(figure.key, { ...figure, part: its, sums: before ? addUp(before, figure) : figure.sums });
  }
  yield* inOrder(sums);
}

function inOrder(sums: Map<string, Figure>): Figure[] {
  return [...sums.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

function addUp(a: Figure, b: Figure) {
  try {
    return add(a.sums, b.sums);
  } catch (error) {
    if (!(error instanceof RefusedEvent)) throw error;
    throw problem('sum_too_large', 'Ask for the report by day');
  }
}
