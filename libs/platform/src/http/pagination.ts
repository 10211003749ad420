import Type, { type TSchema } from 'typebox';
import { problem } from './errors.ts';

/** The query of every list: how many, and after which. */
export const PageQuery = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50, description: 'How many items at the most' }),
  cursor: Type.Optional(Type.String({ maxLength: 500, description: '`next` of the page before' })),
});

/** One page of a list; `next` is absent on the last. */
export const Page = <T extends TSchema>(item: T) =>
  Type.Object({ items: Type.Array(item), next: Type.Optional(Type.String()) });

/** The place in a list after which a page begins: the sort key and the id of the last item seen. */
export type Position = { at: string; id: string };

/** Writes a position as the opaque cursor that callers hand back. */
export function toCursor({ at, id }: Position): string {
  return Buffer.from(JSON.stringify([at, id])).toString('base64url');
}

/** @throws {Problem} invalid_cursor if it was not made by `toCursor`. */
export function fromCursor(cursor: string | undefined): Position | undefined {
  if (cursor === undefined) return undefined;
  try {
    const [at, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    if (typeof at === 'string' && typeof id === 'string') return { at, id };
  } catch {}
  throw problem('invalid_cursor', undefined, {
    fields: [{ field: 'query.cursor', message: 'must be the `next` of a page of this list' }],
  });
}

/**
 * Cuts a page out of the items that a store found when asked for one more than the limit.
 *
 * @example
 * toPage(await store.list(owner, limit + 1, position), limit, ({ createdAt, id }) => ({ at: createdAt, id }));
 */
export function toPage<T>(found: T[], limit: number, positionOf: (item: T) => Position) {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return found.length > limit && last ? { items, next: toCursor(positionOf(last)) } : { items };
}
