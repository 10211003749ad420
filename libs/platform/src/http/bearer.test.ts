import { expect, it } from 'vitest';
import { bearerTokenOf } from './bearer.ts';

it.each([
  ['Bearer abc', 'abc'],
  ['bearer abc', 'abc'],
  ['Basic abc', undefined],
  ['Bearer ', undefined],
  ['', undefined],
  [undefined, undefined],
])('reads the token of the header %j', (authorization, token) => {
  expect(bearerTokenOf({ authorization })).toBe(token);
});

it('reads the token of each request, although it remembers the last one', () => {
  const headers = ['Bearer first', 'Bearer second', 'Bearer first', 'Basic first', 'Bearer first'];
  expect(headers.map((authorization) => bearerTokenOf({ authorization }))).toEqual([
    'first',
    'second',
    'first',
    undefined,
    'first',
  ]);
});
