import { expect, it } from 'vitest';
import { LiveList } from './live-list.ts';

it('holds the objects that were added and not removed, in whatever order they go', () => {
  const list = new LiveList<string>();
  const [removeFirst, removeSecond, removeThird] = ['first', 'second', 'third'].map((each) => list.add(each));
  removeFirst?.();
  const removeFourth = list.add('fourth');
  removeThird?.();
  expect([...list].toSorted()).toEqual(['fourth', 'second']);
  expect(list.size).toBe(2);
  removeSecond?.();
  removeFourth();
  expect([...list]).toEqual([]);
});

it('returns whether an object was still there, so that its end is counted once', () => {
  const list = new LiveList<string>();
  const removeFirst = list.add('first');
  list.add('second');
  expect(removeFirst()).toBe(true);
  expect(removeFirst()).toBe(false);
  expect([...list]).toEqual(['second']);
});

it('holds an object twice that was added twice', () => {
  const list = new LiveList<string>();
  const remove = list.add('same');
  list.add('same');
  remove();
  expect([...list]).toEqual(['same']);
});

it.each([
  ['itself', (at: number) => at],
  ['the first', () => 0],
  ['the one before', (at: number) => at - 1],
])('visits each object once, although %s is removed then', (_, removedAt) => {
  const list = new LiveList<string>();
  const names = ['first', 'second', 'third', 'fourth'];
  const removals = names.map((each) => list.add(each));
  const visited: string[] = [];
  for (const each of list) {
    visited.push(each);
    removals[removedAt(names.indexOf(each))]?.();
  }
  expect(visited.toSorted()).toEqual(names.toSorted());
});
