import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Plan } from '@slipway/contracts/billing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  addTo,
  areEqual,
  difference,
  invoiceTotal,
  quantities,
  type Totals,
} from '../scripts/demo/expected.ts';
import { type Participant, participants, usageOf } from '../scripts/demo/participants.ts';
import { money } from '../scripts/demo/table.ts';

const plan: Plan = {
  id: 'p',
  name: 'P',
  currency: 'EUR',
  price: 1_000,
  meters: [
    { metric: 'calls', included: 100, price: 5, per: 10 },
    { metric: 'storage', included: 0, price: 1, per: 1 },
  ],
};

describe("the demo's own arithmetic", () => {
  const total = (calls: bigint, storage = 0n) =>
    invoiceTotal(
      plan,
      new Map([
        ['calls', calls],
        ['storage', storage],
      ]),
    );

  it('charges the price, and only what lies beyond the included units', () => {
    expect(total(0n)).toBe(1_000n);
    expect(total(100n)).toBe(1_000n);
    expect(total(110n, 3n)).toBe(1_008n);
  });

  it('rounds half a cent up, for each meter by itself', () => {
    expect(total(101n)).toBe(1_001n); // 0.5
    expect(total(102n)).toBe(1_001n); // 1.0
    expect(total(103n)).toBe(1_002n); // 1.5
  });

  it('sees one cent of difference', () => {
    const [a, b]: Totals[] = [new Map(), new Map()];
    if (!a || !b) throw new Error('unreachable');
    addTo(a, 'p', 'EUR', 100n, 5n);
    addTo(b, 'p', 'EUR', 100n, 5n);
    expect(areEqual(a, b)).toBe(true);
    addTo(b, 'p', 'EUR', 0n, 1n);
    expect(areEqual(a, b)).toBe(false);
    expect(difference(b, a).get('p EUR')?.sums).toEqual([0n, 1n]);
  });

  it('is shown as people write money', () => {
    expect([123456n, -5n, 0n].map((amount) => money(amount, 'EUR'))).toEqual(['1,234.56', '-0.05', '0.00']);
    expect(money(1234n, 'JPY')).toBe('1,234');
  });
});

describe("the demo's input", () => {
  const subscription = { id: 's', startedAt: '2026-03-01T00:00:00.000Z' };
  const [person] = participants({ seed: 'a', users: 3, records: 1_000 }, 'run', [plan]) as [Participant];

  it('is the same for the same seed, and another for another', () => {
    const records = (seed: string) => [...usageOf({ ...person, seed }, subscription)];
    expect(records('a')).toEqual(records('a'));
    expect(quantities(records('a'))).not.toEqual(quantities(records('b')));
  });

  it('is shared out without a rest', () => {
    const all = participants({ seed: 'a', users: 3, records: 1_000 }, 'run', [plan]);
    expect(all.map(({ records }) => records)).toEqual([334, 333, 333]);
    expect([...usageOf(person, subscription)]).toHaveLength(334);
  });
});

describe('npm run demo', () => {
  let dataDir: string;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'slipway-demo-test-'));
  });
  afterAll(() => rm(dataDir, { recursive: true }));

  const demo = () =>
    new Promise<{ code: unknown; output: string }>((resolve) => {
      const script = join(import.meta.dirname, '../scripts/demo.ts');
      const args = [script, '--users', '5', '--records', '2000'];
      const env = { ...process.env, DATA_DIR: dataDir };
      execFile(process.execPath, args, { env }, (error, stdout, stderr) => {
        resolve({ code: error?.code ?? 0, output: stdout + stderr });
      });
    });

  it('agrees to the cent, and again when it runs on the same data', { timeout: 180_000 }, async () => {
    const first = await demo();
    expect(first).toMatchObject({ code: 0, output: expect.stringContaining('yes  revenue as computed') });
    const second = await demo();
    expect(second).toMatchObject({ code: 0, output: expect.stringContaining('others have paid before') });
    expect(tableOf(second.output)).toEqual(tableOf(first.output));
  });
});

const tableOf = (output: string) => output.split('\n').filter((line) => /EUR|USD/.test(line));
