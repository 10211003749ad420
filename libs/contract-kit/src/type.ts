import type TypeBox from 'typebox';
import type { TSchema } from 'typebox';

type Options = Record<string, unknown>;

/** Adds properties that describe a schema to typebox. They are hidden from JSON documents. */
function hide<T extends object>(schema: T, hidden: Options): T {
  for (const [key, value] of Object.entries(hidden)) {
    Object.defineProperty(schema, key, { value, configurable: true, writable: true });
  }
  return schema;
}

const schemaOf = (kind: string, schema: object, options?: Options) =>
  hide({ ...schema, ...options }, { '~kind': kind });

const simple = (kind: string) => (options?: Options) => schemaOf(kind, { type: kind.toLowerCase() }, options);

/** Copies a schema with its hidden properties. */
const copy = (schema: object) => Object.defineProperties({}, Object.getOwnPropertyDescriptors(schema));

function objectOf(properties: Record<string, TSchema>, options?: Options) {
  const names = Object.entries(properties).filter(([, schema]) => !('~optional' in schema));
  const required = names.map(([name]) => name);
  return schemaOf(
    'Object',
    { type: 'object', ...(required.length > 0 && { required }), properties },
    options,
  );
}

const builders = {
  Array: (items: TSchema, options?: Options) => schemaOf('Array', { type: 'array', items }, options),
  Boolean: simple('Boolean'),
  Enum: (values: readonly unknown[], options?: Options) => schemaOf('Enum', { enum: values }, options),
  Integer: simple('Integer'),
  Literal: (value: unknown, options?: Options) =>
    schemaOf('Literal', { type: typeof value, const: value }, options),
  Null: simple('Null'),
  Number: simple('Number'),
  Object: objectOf,
  Optional: (schema: TSchema) => hide(copy(schema), { '~optional': true }),
  /** Describes an object whose properties have any names, and values of one schema. */
  Record: (_name: TSchema, value: TSchema, options?: Options) =>
    schemaOf('Record', { type: 'object', patternProperties: { '^.*$': value } }, options),
  String: simple('String'),
  Union: (anyOf: TSchema[], options?: Options) => schemaOf('Union', { anyOf }, options),
  Unknown: (options?: Options) => schemaOf('Unknown', {}, options),
  Unsafe: (schema: object) => hide(copy(schema), { '~unsafe': null }),
};

/**
 * Builds JSON schemas. `Static` of typebox is the type of the values that a schema describes. Only the types of typebox
 * are used, because loading its code would be the largest part of the start of a service.
 *
 * @example
 * const User = Type.Object({ email: Type.String(), name: Type.Optional(Type.String()) });
 * type User = Static<typeof User>; // { email: string; name?: string }
 */
export const Type = builders as unknown as Pick<typeof TypeBox, keyof typeof builders>;
