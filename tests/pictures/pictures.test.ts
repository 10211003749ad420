import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Sample } from '../rollout/open-load.ts';
import { callsIn, difference } from './calls.ts';
import { drawRollouts, resultOf } from './draw-rollout.ts';
import { drawSystem } from './draw-system.ts';
import type { Rollout } from './rollout.ts';

const root = join(import.meta.dirname, '../..');

const sample = (dueAt: number, outcome: Sample['outcome'] = 'ok', latency = 10): Sample => ({
  name: 'getMe',
  detail: '',
  outcome,
  dueAt,
  latency,
});

const drained: Rollout = {
  seconds: 4,
  begin: 1_000,
  short: Array.from({ length: 40 }, (_, index) => sample(1_000 + index * 100)),
  long: [sample(1_500, 'ok', 2_000)],
  restarts: [
    { replica: 1, sigterm: 1, unready: 1, lastRequest: 1.5, exit: 1.6, ready: 2 },
    { replica: 2, sigterm: 2.5, unready: 2.5, lastRequest: 2.8, exit: 3, ready: 3.5 },
  ],
  calls: [],
};
const naive: Rollout = {
  ...drained,
  long: [sample(1_500, 'failed', 500)],
  restarts: drained.restarts.map(({ replica, sigterm, ready }) => ({
    replica,
    sigterm,
    exit: sigterm,
    ready,
  })),
};

describe('the picture of a rollout', () => {
  it('says how many requests failed, in its title and for those who cannot see it', () => {
    expect(resultOf(drained)).toBe('0 of 41 requests failed');
    expect(resultOf({ ...drained, short: [sample(1_000, 'shed')] })).toBe('0 of 2 requests failed, 1 shed');
    const svg = drawRollouts(naive, drained);
    expect(svg).toContain('<desc>Without a drain 1 of 41 requests failed; with the platform');
    expect(svg).toContain('Without a drain: 1 of 41 requests failed');
  });

  it('marks each failed request, and the last request of a replica that drains', () => {
    const svg = drawRollouts(naive, drained);
    expect(svg.match(/✕/g)).toHaveLength(1);
    expect(svg.match(/>draining</g)).toHaveLength(2);
    expect(drawRollouts(drained, drained)).not.toContain('✕');
  });

  it('in the README says what was measured', () => {
    const svg = readFileSync(join(root, 'docs/pictures/rollout.svg'), 'utf8');
    const [, measured = ''] = /<desc>(.+?)<\/desc>/.exec(svg) ?? [];
    expect(measured).toMatch(/with the platform's drain 0 of [\d,]+ requests failed(, \d+ shed)?\.$/);
    expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(
      `![${measured}](docs/pictures/rollout.svg)`,
    );
  });
});

describe('the picture of the system', () => {
  const metrics = `
dependency_call_duration_seconds_count{dependency="users",operation="getMe",outcome="ok"} 30
dependency_call_duration_seconds_count{dependency="users",operation="changeMe",outcome="ok"} 10
dependency_call_duration_seconds_count{dependency="billing",operation="listPlans",outcome="ok"} 4`;

  it('has the calls that the metrics counted since the load began', () => {
    const calls = callsIn('gateway', metrics);
    expect(calls).toEqual([
      { from: 'gateway', to: 'users', count: 40 },
      { from: 'gateway', to: 'billing', count: 4 },
    ]);
    const before = [
      { from: 'gateway', to: 'users', count: 20 },
      { from: 'gateway', to: 'billing', count: 4 },
    ];
    expect(difference(calls, before)).toEqual([
      { from: 'gateway', to: 'users', count: 20 },
      { from: 'gateway', to: 'billing', count: 0 },
    ]);
    expect(drawSystem([{ from: 'gateway', to: 'users', count: 20 }], 2)).toContain('>10</text>');
  });
});
