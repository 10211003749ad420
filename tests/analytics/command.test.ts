/** `npm run analytics` over the data of a system that runs. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '@slipway/reporting/store/open';
import type { ReportingStore } from '@slipway/reporting/store/store';
import { paid } from '@slipway/reporting/testing/events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const program = join(import.meta.dirname, '../../apps/reporting/src/analytics/main.ts');
let dataDir: string;
let store: ReportingStore;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'analytics-'));
  // A service that runs: the command reads its file beside it.
  store = await openStore(`sqlite:${dataDir}/reporting.db`);
  await store.apply(paid({ planId: 'pro', amount: 9_900, at: '2026-03-05T00:00:00Z' }));
});
afterAll(async () => {
  await store.close();
  await rm(dataDir, { recursive: true });
});

type Result = { code: unknown; stdout: string; stderr: string };

const analytics = (args: string[], env: Record<string, string> = {}) =>
  new Promise<Result>((resolve) => {
    const options = { env: { ...process.env, STORE_URL: '', DATA_DIR: dataDir, ...env } };
    execFile(process.execPath, [program, ...args], options, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });

describe('npm run analytics', () => {
  it('answers every question as a table', async () => {
    const { code, stdout } = await analytics([]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^revenue-by-month: How much .*\?.*\n\nmonth +plan_id.*\n2026-03 +pro +EUR +9900 +0 +9900$/m,
    );
    expect(stdout.match(/^[a-z-]+: .*\?/gm)).toHaveLength(7);
  });

  it('answers one question as CSV or JSON', async () => {
    const csv = await analytics(['revenue-by-month', '--csv']);
    expect(csv.stdout).toBe('month,plan_id,currency,paid,refunded,net\r\n2026-03,pro,EUR,9900,0,9900\r\n');
    const json = await analytics(['revenue-by-month', '--json']);
    expect(JSON.parse(json.stdout)).toEqual({
      'revenue-by-month': [
        { month: '2026-03', plan_id: 'pro', currency: 'EUR', paid: 9900, refunded: 0, net: 9900 },
      ],
    });
  });

  it('has what was stored since the last time', async () => {
    await store.apply(paid({ planId: 'basic', amount: 1, at: '2026-04-05T00:00:00Z' }));
    expect((await analytics(['revenue-by-month', '--csv'])).stdout).toContain('2026-04,basic,EUR,1,0,1');
  });

  it('does not end a rebuild of the service that runs', async () => {
    const snapshot = await store.beginRebuild();
    await analytics(['churn']);
    while ((await store.recount(snapshot, 100)) > 0);
    expect(await store.finishRebuild(snapshot)).toBe(true);
  });

  it('draws answers', async () => {
    const charts = join(dataDir, 'charts');
    await analytics(['revenue-by-month', '--chart', charts]);
    expect(await readdir(charts)).toEqual(['revenue-by-month.svg']);
    const svg = await readFile(join(charts, 'revenue-by-month.svg'), 'utf8');
    expect(svg).toMatch(/^<svg /);
    expect(svg).toContain('<title>2026-03 pro: 9900</title>');
  });

  it('asks an export of another folder as it is', async () => {
    const elsewhere = { DATA_DIR: join(dataDir, 'elsewhere') };
    const { stdout } = await analytics(['revenue-by-month', '--from', join(dataDir, 'analytics')], elsewhere);
    expect(stdout).toContain('2026-03');
  });

  it.each([
    [['churm'], 'There is no question churm; there are cheaper-plans, churn, cohorts,'],
    [['--csv'], '--csv needs the name of one question.'],
    [['churn', '--csv', '--json'], 'Choose one of --csv and --json.'],
    [['--engine', 'excel'], 'There is no engine excel; there are duckdb and spark.'],
    [['--from', '/nowhere'], 'There is no export in /nowhere.'],
    [['--cvs'], "Unknown option '--cvs'"],
  ])('rejects %j: %s', async (args, message) => {
    const { code, stdout, stderr } = await analytics(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it('says how to get events, if there are none', async () => {
    const { code, stderr } = await analytics([], { DATA_DIR: join(dataDir, 'none') });
    expect(code).toBe(1);
    expect(stderr).toBe(
      `There are no events: ${dataDir}/none/reporting.db does not exist. Run npm start first, or set DATA_DIR.\n`,
    );
  });
});
