import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { costsIn } from './cpu-profile.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-profile-'));
afterAll(() => rmSync(folder, { recursive: true }));

const node = (id: number, functionName: string, url = '') => ({ id, callFrame: { functionName, url } });

/** A profile that begins at 1,000 µs; each sample is a function, and the time since the sample before it. */
function profileOf(...samples: [id: number, delta: number][]): string {
  const nodes = [
    node(1, '(idle)'),
    node(2, '(garbage collector)'),
    node(3, 'writeLatin1String'),
    node(4, 'parse', 'file:///srv/node_modules/@scope/reader/lib/parse.js'),
    node(5, 'issue', 'file:///srv/apps/billing/src/invoices.ts'),
  ];
  const file = join(folder, 'some.cpuprofile');
  const [ids, timeDeltas] = [samples.map(([id]) => id), samples.map(([, delta]) => delta)];
  writeFileSync(file, JSON.stringify({ startTime: 1_000, nodes, samples: ids, timeDeltas }));
  return file;
}

const always = { from: 0, to: Number.POSITIVE_INFINITY };

describe('the costs in a CPU profile', () => {
  it('are the functions with the largest share of the time that was not idle', () => {
    const file = profileOf([1, 700], [4, 60], [5, 30], [4, 10]);
    expect(costsIn(file, always)).toEqual([
      { what: '`parse`, @scope/reader', share: 0.7 },
      { what: '`issue`, apps/billing/src/invoices.ts', share: 0.3 },
    ]);
  });

  it('say what is native, and what is the work of V8', () => {
    const names = costsIn(profileOf([2, 60], [3, 40]), always).map(({ what }) => what);
    expect(names).toEqual(['garbage collection', '`writeLatin1String`, native']);
  });

  it('do not contain what happened outside of the period', () => {
    const file = profileOf([4, 100], [5, 100], [3, 100]);
    expect(costsIn(file, { from: 1_150, to: 1_250 })).toEqual([
      { what: '`issue`, apps/billing/src/invoices.ts', share: 1 },
    ]);
  });
});
