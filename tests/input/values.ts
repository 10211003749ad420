import fc, { type Arbitrary } from 'fast-check';
import type { TSchema } from 'typebox';

/** The part of JSON Schema that the contracts use. */
type Schema = {
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  pattern?: string;
  format?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  minProperties?: number;
  items?: TSchema;
  properties?: Record<string, TSchema>;
  required?: string[];
};

/** Values that exist in the service under test, by the name of the property that takes them. */
export type Known = Record<string, unknown[]>;

/**
 * Makes values that fit a schema of the contracts, its longest and largest among them.
 *
 * @param known values to make of a property besides any that fits, such as the ids of what exists
 */
export function fitting(schema: TSchema, known: Known = {}): Arbitrary<unknown> {
  const { type, enum: values, const: constant, items, properties } = schema as Schema;
  if (values) return fc.constantFrom(...values);
  if (constant !== undefined) return fc.constant(constant);
  if (properties) return fittingObject(schema as Schema, known);
  if (items) return fittingArray(schema as Schema, known);
  if (type === 'string') return fittingText(schema as Schema);
  if (type === 'integer') return fittingInteger(schema as Schema);
  if (type === 'boolean') return fc.boolean();
  if (type === 'null') return fc.constant(null);
  return fc.jsonValue();
}

function fittingObject({ properties = {}, required = [], minProperties = 0 }: Schema, known: Known) {
  const parts = Object.entries(properties).map(([name, part]) => {
    const any = fitting(part, known);
    const existing = known[name] ?? [];
    return [name, existing.length > 0 ? fc.oneof(fc.constantFrom(...existing), any) : any] as const;
  });
  return fc
    .record(Object.fromEntries(parts), { requiredKeys: required, noNullPrototype: true })
    .filter((value) => Object.keys(value).length >= minProperties);
}

function fittingArray({ items = {}, minItems = 0, maxItems = 10, uniqueItems }: Schema, known: Known) {
  const item = fitting(items as TSchema, known);
  const size = { minLength: minItems, maxLength: maxItems };
  return uniqueItems ? fc.uniqueArray(item, size) : fc.array(item, size);
}

function fittingText({ format, pattern, minLength = 0, maxLength = 200 }: Schema): Arbitrary<string> {
  if (format === 'date-time') return timestamp;
  if (format === 'date') return fc.date({ noInvalidDate: true, ...fourDigits }).map(dayOf);
  const size = { minLength, maxLength };
  if (!pattern)
    return fc.oneof(fc.string({ ...size, unit: 'binary' }), fc.string({ ...size, unit: 'grapheme' }));
  const longest = fc.constantFrom('a'.repeat(maxLength), `a@${'b'.repeat(Math.max(1, maxLength - 2))}`);
  const form = new RegExp(pattern, 'u');
  return fc
    .oneof({ arbitrary: fc.stringMatching(form), weight: 5 }, longest)
    .filter((text) => form.test(text) && [...text].length >= minLength && [...text].length <= maxLength);
}

function fittingInteger({ minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER }: Schema) {
  return fc.oneof(fc.integer({ min: minimum, max: maximum }), fc.constantFrom(minimum, maximum));
}

const fourDigits = { min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z') };
const dayOf = (date: Date) => date.toISOString().slice(0, 10);
const near = () => ({ min: new Date(Date.now() - 60_000), max: new Date(Date.now() + 40 * 86_400_000) });

/** Timestamps of any year and near to now, in each spelling that RFC 3339 has, and in some that it has not. */
const timestamp = fc
  .tuple(
    fc.oneof(fc.date({ noInvalidDate: true, ...fourDigits }), fc.date({ noInvalidDate: true, ...near() })),
    fc.constantFrom('T', 't', ' '),
    fc.constantFrom('', '.1', '.123456789', '.9999999999999999'),
    fc.constantFrom('Z', 'z', '+00:00', '-00:00', '+14:00', '-23:59', '+0130', '-05'),
  )
  .map(([date, separator, fraction, zone]) => {
    const text = date.toISOString();
    return `${text.slice(0, 10)}${separator}${text.slice(11, 19)}${fraction}${zone}`;
  });

/** Values that almost no schema allows, and that break code that reads them unchecked. */
export const oddValues: unknown[] = [
  ...[null, true, {}, [], [[]], [null], '', ' ', 0, -0, -1, 1.5, 1e308, 2 ** 53, -(2 ** 53)],
  ...[
    '\0',
    'a\0b',
    '\ud800',
    '\udfff\ud800',
    '\u202e',
    '\ufeff',
    'ǰ@x',
    'J̌@x',
    '\r\n',
    '__proto__',
    'constructor',
  ],
  ...[
    'toString',
    'null',
    'undefined',
    'NaN',
    '1e999',
    '$where',
    "'; DROP TABLE usage; --",
    '../..',
    '%2e%2e',
    '%',
  ],
  ...['2026-11-28\t01:00:00Z', '2026-11-28\n01:00:00Z', '2026-11-28T24:00:00Z', '2026-02-30T01:00:00Z'],
  ...[
    '2016-12-31T23:59:60Z',
    '2026-11-28T01:00:60Z',
    '0000-01-01T00:00:00+14:00',
    '9999-12-31T23:59:59-14:00',
  ],
  ...[
    '2026-11-28T01:00:00+24:00',
    '2026-11-28T01:00:00Z[Europe/Berlin]',
    '2026-11-28',
    '-000001-01-01T00:00:00Z',
  ],
  ...['0000-00-00', '2026-02-29', 'x'.repeat(65), 'x'.repeat(501), 'x'.repeat(5_000), '😀'.repeat(200)],
  ...[{ $ne: null }, { toString: 1 }, { length: 1e9 }, JSON.parse('{"__proto__":{"a":1}}')],
];

/** Makes values at the edges of a schema: one that fits, with one place changed, or something else altogether. */
export function nearlyFitting(schema: TSchema, known: Known = {}): Arbitrary<unknown> {
  const odd = fc.constantFrom(...oddValues);
  const fits = fitting(schema, known);
  const changed = fc.tuple(fits, fc.nat(), odd).map(([value, at, part]) => change(value, at, part));
  return fc.oneof({ arbitrary: changed, weight: 9 }, { arbitrary: odd, weight: 1 });
}

/** Replaces or removes one property, or adds an unknown one. Deeper places are reached by `at`, too. */
function change(value: unknown, at: number, part: unknown): unknown {
  if (Array.isArray(value)) {
    if (value.length === 0) return [part];
    const index = at % value.length;
    return value.map((item, n) => (n === index ? change(item, Math.floor(at / value.length), part) : item));
  }
  if (typeof value !== 'object' || value === null) return part;
  const names = [...Object.keys(value), 'unknown'];
  const name = names[at % names.length] ?? 'unknown';
  const rest = Math.floor(at / names.length);
  const inner = (value as Record<string, unknown>)[name];
  if (rest % 8 === 7) return Object.fromEntries(Object.entries(value).filter(([key]) => key !== name));
  return { ...value, [name]: typeof inner === 'object' ? change(inner, rest, part) : part };
}
