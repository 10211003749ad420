import TypeBox from 'typebox';
import { expect, it } from 'vitest';
import { Type } from './type.ts';

type Builder = typeof Type | typeof TypeBox;
const options = { description: 'A description' };

const schemas: Record<keyof typeof Type, (builder: Builder) => object> = {
  Array: (type) => type.Array(type.String(), { ...options, minItems: 1 }),
  Boolean: (type) => type.Boolean({ ...options, default: false }),
  Enum: (type) => type.Enum(['open', 'closed'], options),
  Integer: (type) => type.Integer({ ...options, minimum: 0 }),
  Literal: (type) =>
    type.Array(type.Union([type.Literal('one'), type.Literal(1), type.Literal(true, options)])),
  Null: (type) => type.Null(options),
  Number: (type) => type.Number(options),
  Object: (type) =>
    type.Object({ all: type.Optional(type.Object({})), id: type.String() }, { additionalProperties: false }),
  Optional: (type) => type.Optional(type.String(options)),
  Record: (type) => type.Record(type.String(), type.Unknown(), options),
  String: (type) => type.String({ ...options, pattern: '^a$' }),
  Union: (type) => type.Union([type.String(), type.Null()], options),
  Unknown: (type) => type.Unknown(options),
  Unsafe: (type) => type.Unsafe<string>({ type: 'string' }),
};

/** Returns all properties of a schema and of those in it, also the hidden ones. */
function properties(schema: object): unknown {
  const described = Object.entries(Object.getOwnPropertyDescriptors(schema)).map(
    ([name, { value, ...rest }]) => {
      const isObject = typeof value === 'object' && value !== null;
      return [name, { ...rest, value: isObject ? properties(value) : value }];
    },
  );
  return Object.fromEntries(described);
}

it.each(Object.entries(schemas))('Type.%s builds the schema that typebox builds', (_name, build) => {
  expect(properties(build(Type))).toEqual(properties(build(TypeBox)));
});

it('a schema of typebox can be a part of one of ours', () => {
  const { required } = Type.Object({ id: TypeBox.String(), name: TypeBox.Optional(TypeBox.String()) });
  expect(required).toEqual(['id']);
});
