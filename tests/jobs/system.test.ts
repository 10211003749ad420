/** The jobs of the real system, on embedded stores, over several processes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { planOf } from '@slipway/billing/plans';
import { openStore } from '@slipway/billing/store/open';
import { start } from '@slipway/billing/subscriptions';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type System, startSystem } from '../support/system.ts';

/** Enough that the billing cycle takes seconds. */
const due = 2_000;
const fortyDays = 40 * 86_400_000;

describe('after a night in which no replica was there', { timeout: 120_000 }, () => {
  let folder: string;
  let system: System;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'jobs-'));
    await addSubscriptions();
    system = await startSystem({ dataDir: folder, env: { JOB_LEASE_MS: '2000' } });
  }, 120_000);
  afterAll(async () => {
    await system?.stop();
    rmSync(folder, { recursive: true });
  });

  const billingUrl = () => `sqlite:${join(folder, 'billing.db')}`;

  /** Adds subscriptions whose first period has ended. */
  async function addSubscriptions(): Promise<void> {
    const store = await openStore(billingUrl());
    const began = new Date(Date.now() - fortyDays).toISOString();
    for (let n = 0; n < due; n++) {
      await store.subscriptions.add(start(`s${n}`, 'ann', planOf('starter'), began));
    }
    await store.close();
  }

  function issued(): number {
    const db = new DatabaseSync(join(folder, 'billing.db'), { readOnly: true });
    const [row] = db.prepare('SELECT count(*) AS invoices FROM invoices').all();
    db.close();
    return Number(row?.invoices);
  }

  async function billingCycle() {
    const store = await openStore(billingUrl());
    const record = await store.jobs.get('billing-cycle');
    await store.close();
    return record;
  }

  it('the billing cycle goes on, on another replica, when the one that runs it is killed', async () => {
    await expect.poll(issued, { timeout: 30_000, interval: 20 }).toBeGreaterThan(0);
    await system.services.billing.kill('SIGKILL');
    expect(issued()).toBeLessThan(due);
    await system.replicate('billing');

    await expect.poll(async () => (await billingCycle())?.succeeded, { timeout: 60_000 }).toBe(1);
    expect(issued()).toBe(due);
    expect((await billingCycle())?.runs).toMatchObject([{ outcome: 'succeeded', attempts: 2 }]);
  });

  it('reporting then finds its figures equal to a recount', async () => {
    const succeeded = /^job_runs_total\{.*job="figures-check".*outcome="succeeded".*\} 1$/m;
    const metrics = async () => (await fetch(`${system.services.reporting.management}/metrics`)).text();
    await expect.poll(metrics, { timeout: 60_000 }).toMatch(succeeded);
  });
});
