import { type EventData, type EventType, eventSchemas } from '@slipway/contracts/events';
import type { ReportedEvent } from '../figures.ts';

/**
 * The columns of exported events, with their types in Parquet. An event has a value for each field that its type has;
 * the others are NULL. A field that is not listed here is not exported, so that personal data does not get into an export
 * by accident if a later version adds it to an event.
 */
export const columns = {
  id: 'VARCHAR',
  type: 'VARCHAR',
  source: 'VARCHAR',
  /** UTC. `at` is a reserved word in DuckDB. */
  happened_at: 'TIMESTAMP',
  day: 'DATE',
  /** `YYYY-MM`. */
  month: 'VARCHAR',
  user_id: 'VARCHAR',
  subscription_id: 'VARCHAR',
  version: 'BIGINT',
  plan_id: 'VARCHAR',
  currency: 'VARCHAR',
  /** Minor units of the currency, as `amount`. */
  price: 'BIGINT',
  amount: 'BIGINT',
  invoice_id: 'VARCHAR',
  period_start: 'TIMESTAMP',
  period_end: 'TIMESTAMP',
  payment_id: 'VARCHAR',
  refund_id: 'VARCHAR',
  metric: 'VARCHAR',
  quantity: 'BIGINT',
  records: 'BIGINT',
} as const;

type Row = Partial<Record<keyof typeof columns, string | number>>;

/** Events of services about their own work say nothing of customers. */
type ExportedType = Exclude<EventType, 'job.succeeded'>;
type ExportedEvent = Extract<ReportedEvent, { type: ExportedType }>;

/** Returns whether an event has a row in an export. */
export const isExported = (event: ReportedEvent): event is ExportedEvent => event.type !== 'job.succeeded';

/** All fields that exported events of any type have. */
type Fields = { [T in ExportedType]: Partial<Record<keyof EventData<T>, string | number>> }[ExportedType];
type Field = Fields extends infer F ? (F extends F ? keyof F : never) : never;

const columnOf: Record<Field, keyof typeof columns> = {
  userId: 'user_id',
  subscriptionId: 'subscription_id',
  version: 'version',
  planId: 'plan_id',
  currency: 'currency',
  price: 'price',
  amount: 'amount',
  invoiceId: 'invoice_id',
  periodStart: 'period_start',
  periodEnd: 'period_end',
  paymentId: 'payment_id',
  refundId: 'refund_id',
  metric: 'metric',
  quantity: 'quantity',
  records: 'records',
};

/** The fields of each type of event, with their columns. Others that an event may have are not exported. */
const columnsOf = Object.fromEntries(
  Object.entries(eventSchemas).map(([type, { properties }]) => [
    type,
    (Object.keys(properties) as Field[]).map((field) => [field, columnOf[field]] as const),
  ]),
) as Record<ExportedType, (readonly [Field, keyof Row])[]>;

/**
 * Returns the row of an event.
 *
 * @example
 * rowOf(event); // { id: 'e1', type: 'user.signed_up', source: 'users', happened_at: '2026-03-15T12:00:00.000', … }
 */
export function rowOf({ id, type, source, at, data }: ExportedEvent): Row {
  const time = utc(at);
  const row: Row = {
    id,
    type,
    source,
    happened_at: time,
    day: time.slice(0, 'YYYY-MM-DD'.length),
    month: time.slice(0, 'YYYY-MM'.length),
  };
  for (const [field, column] of columnsOf[type]) {
    const value = (data as Partial<Record<Field, string | number>>)[field];
    if (value !== undefined) row[column] = columns[column] === 'TIMESTAMP' ? utc(String(value)) : value;
  }
  return row;
}

/** Returns a time (RFC 3339) in UTC, without its zone. `Date` does not know leap seconds: the second before is used. */
function utc(time: string): string {
  return new Date(time.replace(/(?<=:\d\d):60/, ':59')).toISOString().slice(0, -1);
}
