import { describe, expect, it } from 'vitest';

// The page's scripts are JavaScript, which the browser runs as it is; TypeScript knows no types of them.
const path: string = './timeline.js';
const { changesOf, partsOf, processesOf, seenByClients } = await import(path);

const at = (seconds: number) => Date.parse('2026-01-01T00:00:00Z') + seconds * 1_000;
const change = (state: string, seconds: number) => ({ state, at: new Date(at(seconds)).toISOString() });
const history = [change('starting', 0), change('ready', 10), change('draining', 60), change('gone', 75)];

describe('the time line of a process', () => {
  it('has a part for each state, and ends with the process', () => {
    expect(partsOf(history, at(-100), at(200))).toEqual([
      { state: 'starting', from: at(0), to: at(10) },
      { state: 'ready', from: at(10), to: at(60) },
      { state: 'draining', from: at(60), to: at(75) },
    ]);
  });

  it('is cut at the edges of what is shown', () => {
    expect(partsOf(history, at(20), at(65))).toEqual([
      { state: 'ready', from: at(20), to: at(60) },
      { state: 'draining', from: at(60), to: at(65) },
    ]);
  });
});

describe('the processes of some readings', () => {
  const replica = (instance: string, seconds: number, state = 'ready') => ({
    ...{ instance, state, history: [change('starting', seconds)] },
    perSecond: { count: seconds, failed: 1, rejected: 2 },
    requests: { p99Ms: seconds },
  });
  const reading = (seconds: number, ...replicas: object[]) => ({
    at: at(seconds),
    services: [{ name: 'gateway', replicas }],
  });

  it('include those that are gone, as they were last seen', () => {
    const processes = processesOf([
      reading(1, replica('two', 1), replica('one', 0)),
      reading(2, replica('two', 1), replica('one', 0, 'gone')),
      reading(3, replica('two', 1)),
    ]);
    expect(processes).toMatchObject([
      { service: 'gateway', instance: 'one', state: 'gone', seenAt: at(2) },
      { service: 'gateway', instance: 'two', state: 'ready', seenAt: at(3) },
    ]);
  });

  it('show what clients saw: the sum of the rates, and the highest p99', () => {
    expect(seenByClients([reading(1, replica('one', 3), replica('two', 4)), reading(2)])).toEqual([
      { at: at(1), count: 7, failed: 2, rejected: 4, p99Ms: 4 },
    ]);
  });

  it('have changes, newest first, of the time that is shown', () => {
    const changes = changesOf([{ service: 'billing', instance: 'one', history }], at(5), at(70));
    expect(changes.map(({ state }: { state: string }) => state)).toEqual(['draining', 'ready']);
  });
});
