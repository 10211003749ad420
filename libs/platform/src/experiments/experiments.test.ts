import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Experiments } from './experiments.ts';

const fault = { on: 'store', kind: 'hang' } as const;
const setting = { on: 'service', kind: 'error' } as const;

beforeEach(() => void vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') }));
afterEach(() => void vi.useRealTimers());

function create() {
  const changes: string[] = [];
  const experiments = new Experiments({ hasStore: true, changed: (change) => changes.push(change) });
  return { experiments, changes };
}

describe('an experiment', () => {
  it('ends by itself when its time has passed', () => {
    const { experiments, changes } = create();
    expect(experiments.start({ fault, seconds: 30 })).toEqual({ fault, endsAt: '2026-01-01T00:00:30.000Z' });
    expect(experiments).toMatchObject({ store: fault, service: undefined, areGuardsOff: false });
    vi.advanceTimersByTime(29_999);
    expect(experiments.current).toBeDefined();
    vi.advanceTimersByTime(1);
    expect(experiments.current).toBeUndefined();
    expect(experiments.store).toBeUndefined();
    expect(changes).toEqual(['started', 'ended']);
  });

  it('is replaced by the next one, whose time counts', () => {
    const { experiments } = create();
    experiments.start({ fault, seconds: 10 });
    vi.advanceTimersByTime(9_000);
    experiments.start({ guards: 'off', seconds: 10 });
    expect(experiments).toMatchObject({ store: undefined, areGuardsOff: true });
    vi.advanceTimersByTime(9_999);
    expect(experiments.areGuardsOff).toBe(true);
    vi.advanceTimersByTime(1);
    expect(experiments.areGuardsOff).toBe(false);
  });

  it('that cannot be is rejected, and the one that runs goes on', () => {
    const { experiments } = create();
    experiments.start({ fault, seconds: 10 });
    expect(() => experiments.start({ seconds: 10 })).toThrow('body.fault');
    expect(experiments.store).toBe(fault);
  });

  it('gives way to the fault of the settings when it ends, which does not end', () => {
    const { experiments, changes } = create();
    experiments.applySetting(setting);
    expect(experiments.current).toEqual({ fault: setting });
    experiments.start({ fault, seconds: 10 });
    expect(experiments).toMatchObject({ store: fault, service: undefined });
    experiments.end();
    experiments.end();
    expect(experiments).toMatchObject({ store: undefined, service: setting });
    expect(changes).toEqual(['started', 'ended']);
  });

  it('ends when the process closes, and no other one starts', () => {
    const { experiments } = create();
    experiments.applySetting(setting);
    experiments.start({ fault, seconds: 10 });
    experiments.close();
    expect(experiments).toMatchObject({ store: undefined, service: undefined, current: undefined });
    expect(() => experiments.start({ fault, seconds: 10 })).toThrow('closing');
  });
});

describe('what waits for the end of a fault', () => {
  it('waits so many milliseconds, but no longer than the fault', async () => {
    const { experiments } = create();
    experiments.start({ fault, seconds: 10 });
    const waited = [experiments.wait(9_000), experiments.wait(11_000), experiments.wait()];
    vi.advanceTimersByTime(10_000);
    expect(await Promise.all(waited)).toEqual([false, true, true]);
  });

  it('is freed by the next experiment', async () => {
    const { experiments } = create();
    experiments.start({ fault, seconds: 10 });
    const waited = experiments.wait();
    experiments.start({ fault, seconds: 10 });
    expect(await waited).toBe(true);
  });

  it('may stop to wait', async () => {
    const { experiments } = create();
    experiments.start({ fault, seconds: 10 });
    expect(await experiments.wait(undefined, (end) => end())).toBe(false);
  });

  it('waits five minutes at most, even if the fault has no end', async () => {
    const { experiments } = create();
    experiments.applySetting(fault);
    const waited = experiments.wait(Number.POSITIVE_INFINITY);
    vi.advanceTimersByTime(300_000);
    expect(await waited).toBe(false);
  });
});
