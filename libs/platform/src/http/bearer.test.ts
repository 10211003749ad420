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

it('reads the token of each request, although the last one is cached', () => {
  const [first, second, without] = [
    { authorization: 'Bearer first' },
    { authorization: 'Bearer second' },
    {},
  ];
  const requests = [first, first, second, without, first];
  expect(requests.map(bearerTokenOf)).toEqual(['first', 'first', 'second', undefined, 'first']);
});
