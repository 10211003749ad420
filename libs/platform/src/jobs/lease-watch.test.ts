import { describe, expect, it } from 'vitest';
import { register } from './due-runs.ts';
import { defineJob } from './job.ts';
import type { JobRecord } from './job-record.ts';
import { watchLeases } from './lease-watch.ts';

const job = defineJob({ name: 'a', schedule: 'R/2026-01-01T00:00:00/P1D', run: async () => undefined });
const free = register(undefined, job, 0) as JobRecord;
const held = (version: number): JobRecord => ({
  ...free,
  version,
  lease: { holder: 'b', token: 1, ms: 900 },
});

describe('the lease of another replica', () => {
  it('ends when its record has not changed for its length, by the clock of the watcher', () => {
    let now = 5_000;
    const { left } = watchLeases(() => now);
    expect(left(held(1))).toBe(900);
    now += 899;
    expect(left(held(1))).toBe(1);
    now += 1;
    expect(left(held(1))).toBe(0);
  });

  it('begins anew with each renewal, which changes the version', () => {
    let now = 0;
    const { left } = watchLeases(() => now);
    left(held(1));
    now += 800;
    expect(left(held(2))).toBe(900);
  });

  it('that was given back has ended, and the next one counts from its own beginning', () => {
    let now = 0;
    const { left } = watchLeases(() => now);
    left(held(1));
    expect(left(free)).toBe(0);
    now += 5_000;
    expect(left(held(1))).toBe(900);
  });
});
