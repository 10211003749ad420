import { problem } from '@slipway/contract-kit/problem';

/** The position in a list after which a page begins: the sort key and the id of the last item of the page before. */
export type Position = { at: string; id: string };

/** Encodes a position as an opaque cursor, which clients send to get the next page. */
export function toCursor({ at, id }: Position): string {
  return Buffer.from(JSON.stringify([at, id])).toString('base64url');
}

/** Decodes a cursor, if there is one. @throws {Problem} invalid_cursor if it does not have the form of `toCursor`. */
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
 * Makes a page of the items that a store found when asked for one more than the limit.
 *
 * @example
 * toPage(await store.list(owner, limit + 1, position), limit, ({ createdAt, id }) => ({ at: createdAt, id }));
 */
export function toPage<T>(found: T[], limit: number, positionOf: (item: T) => Position) {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return found.length > limit && last ? { items, next: toCursor(positionOf(last)) } : { items };
}
