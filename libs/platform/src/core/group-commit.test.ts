import { describe, expect, it } from 'vitest';
import { inGroups } from './group-commit.ts';

/** Commits that end when the test resolves them, and the items of each. */
function createCommits() {
  const groups: number[][] = [];
  const ends: { resolve(): void; reject(error: Error): void }[] = [];
  const commit = async (items: number[]) => {
    groups.push(items);
    await new Promise<void>((resolve, reject) => ends.push({ resolve, reject }));
    return items.map((item) => (item < 0 ? new Error(`no ${item}`) : item * 10));
  };
  return { groups, ends, commit };
}

const limits = { maxItems: 3, maxSize: 100, sizeOf: (item: number) => item };
const bySize = (maxSize: number) => ({ maxSize, sizeOf: (item: number) => item });
const nextIteration = () => new Promise((resolve) => setImmediate(resolve));

describe('calls in groups', () => {
  it('of one event-loop iteration are one group; those that come during its commit are the next', async () => {
    const { groups, ends, commit } = createCommits();
    const call = inGroups(limits, commit);
    const first = [call(1), call(2)];
    await nextIteration();
    const second = [call(3), call(4)];
    await nextIteration();
    expect(groups).toEqual([[1, 2]]);
    ends[0]?.resolve();
    expect(await Promise.all(first)).toEqual([10, 20]);
    await nextIteration();
    ends[1]?.resolve();
    expect(await Promise.all(second)).toEqual([30, 40]);
    expect(groups).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it('are limited in number and size, in the order of the calls', async () => {
    const groups: number[][] = [];
    const call = inGroups(limits, async (items: number[]) => {
      groups.push(items);
      return items;
    });
    await Promise.all([1, 2, 3, 4, 60, 50, 500, 5].map(call));
    expect(groups).toEqual([[1, 2, 3], [4, 60], [50], [500], [5]]);
  });

  it('reject only the call whose item is rejected', async () => {
    const { ends, commit } = createCommits();
    const call = inGroups(limits, commit);
    const outcomes = Promise.allSettled([call(1), call(-2)]);
    await nextIteration();
    ends[0]?.resolve();
    expect(await outcomes).toEqual([
      { status: 'fulfilled', value: 10 },
      { status: 'rejected', reason: new Error('no -2') },
    ]);
  });

  it('fail with their commit, and so do those queued behind it if asked for; later ones are tried', async () => {
    const { groups, ends, commit } = createCommits();
    const call = inGroups({ ...limits, rejectQueued: true }, commit);
    const outcomes = Promise.allSettled([1, 2, 3, 4].map(call));
    await nextIteration();
    ends[0]?.reject(new Error('unreachable'));
    expect((await outcomes).map(({ status }) => status)).toEqual(Array(4).fill('rejected'));
    const later = call(5);
    await nextIteration();
    expect(groups).toEqual([[1, 2, 3], [5]]);
    ends[1]?.resolve();
    expect(await later).toBe(50);
  });

  it('fail with their commit, and by default those queued behind it go on', async () => {
    const { ends, commit } = createCommits();
    const call = inGroups(bySize(2), commit);
    const outcomes = Promise.allSettled([1, 1, 2].map(call));
    await nextIteration();
    ends[0]?.reject(new Error('unreachable'));
    await nextIteration();
    ends[1]?.resolve();
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    const later = call(4);
    await nextIteration();
    ends[2]?.resolve();
    expect(await later).toBe(40);
  });

  it('are gathered while a group is committed, and each gets its own result', async () => {
    const { groups, ends, commit } = createCommits();
    const call = inGroups(bySize(10), commit);
    const results = [call(1)];
    await nextIteration();
    results.push(call(2), call(3));
    ends[0]?.resolve();
    await nextIteration();
    ends[1]?.resolve();
    expect(await Promise.all(results)).toEqual([10, 20, 30]);
    expect(groups).toEqual([[1], [2, 3]]);
  });

  it('are grouped up to a size, in order, and a larger item is alone', async () => {
    const { groups, ends, commit } = createCommits();
    const call = inGroups(bySize(5), commit);
    const results = [9, 2, 3, 1].map(call);
    for (const group of [0, 1, 2]) {
      await nextIteration();
      ends[group]?.resolve();
    }
    await Promise.all(results);
    expect(groups).toEqual([[9], [2, 3], [1]]);
  });

  it('do not wait for those of another group commit', async () => {
    const { groups, ends, commit } = createCommits();
    const results = [inGroups(bySize(10), commit)(1), inGroups(bySize(10), commit)(2)];
    await nextIteration();
    expect(groups).toEqual([[1], [2]]);
    for (const { resolve } of ends) resolve();
    expect(await Promise.all(results)).toEqual([10, 20]);
  });
});
