import Type, { type TSchema } from 'typebox';

/** The query of every list: how many, and after which. */
export const PageQuery = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50, description: 'How many items at the most' }),
  cursor: Type.Optional(Type.String({ maxLength: 500, description: '`next` of the page before' })),
});

/** One page of a list; `next` is absent on the last. */
export const Page = <T extends TSchema>(item: T) =>
  Type.Object({ items: Type.Array(item), next: Type.Optional(Type.String()) });
