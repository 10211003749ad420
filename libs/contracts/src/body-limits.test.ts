import type { TSchema } from 'typebox';
import { describe, expect, it } from 'vitest';
import { operations } from './operations.ts';
import { smallBody } from './schemas.ts';

const withBody = Object.values(operations)
  .flat()
  .flatMap(({ schema, config }) =>
    schema.body ? [{ id: schema.operationId, body: schema.body, config }] : [],
  );

type Node = {
  type?: string;
  enum?: unknown[];
  format?: string;
  maxLength?: number;
  maxItems?: number;
  items?: TSchema;
  properties?: Record<string, TSchema>;
};

/** Bytes of an escaped character beyond the basic plane, which JSON writes as a surrogate pair. */
const escaped = '\\ud83d\\ude00'.length;

/** Bytes of the longest JSON without white space that fits a schema. */
function longest(schema: TSchema): number {
  const { type, enum: values, format, maxLength, maxItems, items, properties } = schema as Node;
  if (values) return Math.max(...values.map((value) => JSON.stringify(value).length));
  if (properties) {
    const parts = Object.entries(properties).map(([name, part]) => name.length + 4 + longest(part));
    return parts.reduce((sum, part) => sum + part, 2);
  }
  if (items) return 2 + (maxItems ?? Number.POSITIVE_INFINITY) * (longest(items) + 1);
  if (format === 'date-time') return 64;
  if (type === 'string') return 2 + (maxLength ?? Number.POSITIVE_INFINITY) * escaped;
  if (type === 'integer' || type === 'boolean') return 17;
  // The longest form of a double, such as -1.2345678901234567e-300.
  if (type === 'number') return 25;
  throw new TypeError(`no size is known of ${JSON.stringify(schema)}`);
}

/** The services' own limit, where an operation names none. */
const otherwise = 1_048_576;

describe('the limit of a body', () => {
  it.each(withBody)('is enough for all that the schema of $id allows', ({ body, config }) => {
    expect(longest(body)).toBeLessThanOrEqual(config.bodyLimit ?? otherwise);
  });

  it.each(withBody.filter(({ config }) => config.access === 'public'))(
    'is a few kilobytes for $id, which anybody may call',
    ({ config }) => {
      expect(config.bodyLimit).toBeLessThanOrEqual(smallBody);
    },
  );
});
