import { describeFault } from '@slipway/platform/experiments/fault';
import { expect, describe as group, it } from 'vitest';

// The page's scripts are JavaScript, which the browser runs as it is; TypeScript knows no types of them.
const path: string = './experiments.js';
const { describe, runningIn, secondsLeft } = await import(path);

const faults = (['service', 'store'] as const).flatMap((on) =>
  (['latency', 'error', 'hang'] as const).flatMap((kind) =>
    [undefined, 0.2].map((share) => ({ on, kind, share, ms: kind === 'latency' ? 500 : undefined })),
  ),
);

group('an experiment', () => {
  it.each(faults)('$on $kind $share is described as by the service itself', (fault) => {
    expect(describe({ fault })).toBe(describeFault(fault));
  });

  it('may switch the guards off', () => {
    expect(describe({ guards: 'off' })).toBe('The guards against overload are off.');
  });

  it('runs in the processes that have it, and not in those that are gone', () => {
    const experiment = { fault: { on: 'store', kind: 'hang' }, endsAt: '2026-01-01T00:00:30.000Z' };
    const other = { guards: 'off' };
    const replicas = [
      { instance: 'one', state: 'unready', experiment },
      { instance: 'two', state: 'ready', experiment },
      { instance: 'three', state: 'ready', experiment: other },
      { instance: 'four', state: 'gone', experiment },
      { instance: 'five', state: 'ready' },
    ];
    expect(runningIn([{ name: 'billing', replicas }])).toEqual([
      { service: 'billing', processes: ['one', 'two'], experiment },
      { service: 'billing', processes: ['three'], experiment: other },
    ]);
  });

  it('ends in so many seconds, or with its process', () => {
    const at = Date.parse('2026-01-01T00:00:00Z');
    expect(secondsLeft({ endsAt: '2026-01-01T00:00:29.100Z' }, at)).toBe(30);
    expect(secondsLeft({ endsAt: '2025-12-31T23:59:59.000Z' }, at)).toBe(0);
    expect(secondsLeft({}, at)).toBeUndefined();
  });
});
