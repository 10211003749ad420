import { describe, expect, it } from 'vitest';
import { fromCursor, type Position, toCursor, toPage } from './pagination.ts';

const positionOf = (item: Position) => item;
const items = ['a', 'b', 'c'].map((id) => ({ at: '2030-01-01T00:00:00.000Z', id }));

describe('a cursor', () => {
  it('decodes to its position', () => {
    const position = { at: '2030-01-01T00:00:00.000Z', id: 'ä/"1' };
    expect(fromCursor(toCursor(position))).toEqual(position);
  });

  it('needs no encoding in a URL', () => {
    const cursor = toCursor({ at: '2030-01-01T00:00:00.000Z', id: '???>>>' });
    expect(cursor).toBe(encodeURIComponent(cursor));
  });

  it('is not needed for the first page', () => {
    expect(fromCursor(undefined)).toBeUndefined();
  });

  it.each([
    ['no base64url', '%%%'],
    ['no JSON', Buffer.from('hello').toString('base64url')],
    ['null', Buffer.from('null').toString('base64url')],
    ['an object', Buffer.from('{"at":"x","id":"y"}').toString('base64url')],
    ['numbers', Buffer.from('[1,2]').toString('base64url')],
    ['one part', Buffer.from('["2030"]').toString('base64url')],
    ['nothing', ''],
  ])('that holds %s is refused by the name of its field', (_, cursor) => {
    expect(() => fromCursor(cursor)).toThrow(
      expect.objectContaining({
        code: 'invalid_cursor',
        fields: [expect.objectContaining({ field: 'query.cursor' })],
      }),
    );
  });
});

describe('a page', () => {
  it('has as many items as requested and a cursor to the next page', () => {
    const page = toPage(items, 2, positionOf);
    expect(page.items).toEqual(items.slice(0, 2));
    expect(fromCursor(page.next)).toEqual(items[1]);
  });

  it('has no cursor when nothing follows', () => {
    expect(toPage(items, 3, positionOf)).toEqual({ items });
    expect(toPage([], 3, positionOf)).toEqual({ items: [] });
  });
});
