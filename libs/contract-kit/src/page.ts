import type { TSchema } from 'typebox';
import { Type } from './type.ts';

/** The query parameters of every list. */
export const PageQuery = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50, description: 'Maximum number of items' }),
  cursor: Type.Optional(Type.String({ maxLength: 500, description: '`next` of the previous page' })),
});

/** One page of a list. The last page has no `next`. */
export const Page = <T extends TSchema>(item: T) =>
  Type.Object({ items: Type.Array(item), next: Type.Optional(Type.String()) });
