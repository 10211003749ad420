import { describe, expect, it } from 'vitest';

// The page's scripts are JavaScript, which the browser runs as it is; TypeScript knows no types of them.
const path: string = './goodput.js';
const { experimentOf, goodputOf } = await import(path);

const startedAt = '2026-01-01T00:00:00.000Z';
const load = { service: 'billing', startedAt, isRunning: true, sent: 0, unsent: 0, answered: 0 };

/** Makes a reading of a second. */
const reading = (second: number, counts: object, guards?: 'off') => ({
  at: second * 1_000,
  load: { ...load, ...counts },
  services: [{ name: 'billing', replicas: [{}, { experiment: guards && { guards } }] }],
});

describe('the goodput of a load', () => {
  it('is the rate of answered requests over that of offered ones, between two readings', () => {
    const readings = [
      reading(1, { sent: 100, answered: 90 }),
      reading(2, { sent: 300, unsent: 100, answered: 190 }),
      reading(4, { sent: 500, unsent: 100, answered: 200 }, 'off'),
    ];
    expect(goodputOf(readings, 'billing')).toEqual([
      { offered: 300, answered: 100, areGuardsOff: false },
      { offered: 100, answered: 5, areGuardsOff: true },
    ]);
  });

  it.each([
    ['no load', { load: undefined }],
    ['a load on another service', { load: { ...load, service: 'users', sent: 10 } }],
    ['another load', { load: { ...load, startedAt: '2026-01-02T00:00:00.000Z', sent: 10 } }],
    ['a load that sends nothing any more', {}],
  ])('has no point for %s', (_what, changed) => {
    expect(goodputOf([reading(1, {}), { ...reading(2, {}), ...changed }], 'billing')).toEqual([]);
  });
});

describe('the experiment of a service', () => {
  it('is the one with the guards off, in whichever replica it runs', () => {
    expect(experimentOf(reading(1, {}, 'off'), 'billing')).toEqual({ guards: 'off' });
    expect(experimentOf(reading(1, {}), 'billing')).toBeUndefined();
    expect(experimentOf(reading(1, {}, 'off'), 'users')).toBeUndefined();
  });
});
