import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openDuckDB, quoted } from '../analytics/duckdb.ts';
import { exportEvents } from '../analytics/export.ts';
import { paid } from '../testing/events.ts';
import { startReporting } from '../testing/service.ts';

type Reporting = Awaited<ReturnType<typeof startReporting>>;

let folder: string;
let reporting: Reporting;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'questions-'));
  reporting = await startReporting('sqlite::memory:', { ANALYTICS_FOLDER: folder });
  // Two exports at once would end one of them.
  const firstRun = async () => (await reporting.store.jobs.get('event-export'))?.succeeded;
  await vi.waitFor(async () => expect(await firstRun()).toBe(1), 10_000);
});
afterEach(async () => {
  await reporting.stop();
  await rm(folder, { recursive: true });
});

const url = '/api/v1/reports/questions/revenue-by-month';
const row = { month: '2026-03', plan_id: 'basic', currency: 'EUR', paid: 4_900, refunded: 0, net: 4_900 };

async function exported() {
  await reporting.deliver([paid({ amount: 4_900 })]);
  return exportEvents({ store: reporting.store, folder });
}

/** Writes what a run of Spark leaves of one question. */
async function writeSparkAnswer(run: string, exportedAt: string, net: number) {
  const answers = join(folder, 'answers/spark');
  const target = join(answers, run, 'revenue-by-month');
  await mkdir(target, { recursive: true });
  const duckdb = await openDuckDB({ temporaryFolder: join(folder, 'spill') });
  await duckdb.run(
    `COPY (SELECT '2026-03' AS month, CAST(${net} AS DECIMAL(38, 0)) AS net)
     TO ${quoted(join(target, 'part-00000.parquet'))} (FORMAT parquet)`,
  );
  duckdb.close();
  const published = { export: 1, exportedAt, folder: `answers/spark/${run}` };
  await writeFile(join(answers, 'answers.json'), JSON.stringify(published));
}

describe('questions about all events', () => {
  it('are listed with their sentences and the columns of their charts', async () => {
    const { items } = (await reporting.ask('GET', '/api/v1/reports/questions')).json();
    expect(items).toHaveLength(7);
    const chart = { value: 'net', label: 'month', series: ['currency'] };
    expect(items).toContainEqual({
      name: 'churn',
      title: expect.stringContaining('recurring revenue'),
      chart,
    });
  });

  it('are answered from the last export, with its time', async () => {
    const { exportedAt } = await exported();
    await reporting.deliver([paid({ amount: 1 })]);
    expect((await reporting.ask('GET', url)).json()).toEqual({ exportedAt, items: [row] });
  });

  it('are answered as CSV or NDJSON, too', async () => {
    const { exportedAt } = await exported();
    const csv = await reporting.ask('GET', url, { accept: 'text/csv' });
    expect(csv.headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'exported-at': exportedAt,
    });
    expect(csv.body).toBe('month,plan_id,currency,paid,refunded,net\r\n2026-03,basic,EUR,4900,0,4900\r\n');
    const ndjson = await reporting.ask('GET', url, { accept: 'application/x-ndjson' });
    expect(JSON.parse(ndjson.body)).toEqual(row);
  });

  it('are answered by Spark, with the time of the export that it found', async () => {
    await writeSparkAnswer('first', '2026-04-01T00:00:00.000Z', 1);
    await exported();
    const answer = await reporting.ask('GET', `${url}?engine=spark`);
    expect(answer.json()).toEqual({
      exportedAt: '2026-04-01T00:00:00.000Z',
      items: [{ month: '2026-03', net: 1 }],
    });
    await writeSparkAnswer('second', '2026-04-02T00:00:00.000Z', 2);
    const csv = await reporting.ask('GET', `${url}?engine=spark`, { accept: 'text/csv' });
    expect(csv.headers['exported-at']).toBe('2026-04-02T00:00:00.000Z');
    expect(csv.body).toBe('month,net\r\n2026-03,2\r\n');
  });

  it('have no answer of Spark before its first run, and none to a question that it did not know', async () => {
    await exported();
    const before = await reporting.ask('GET', `${url}?engine=spark`);
    expect(before.statusCode).toBe(404);
    expect(before.json().detail).toBe('Spark has not answered any question yet');
    await writeSparkAnswer('first', '2026-04-01T00:00:00.000Z', 1);
    const unknown = await reporting.ask('GET', '/api/v1/reports/questions/churn?engine=spark');
    expect(unknown.statusCode).toBe(404);
    expect(unknown.json().detail).toBe('Spark has not answered the question churn');
  });

  it('are answered by no other engine', async () => {
    const answer = await reporting.ask('GET', `${url}?engine=excel`);
    expect(answer.statusCode).toBe(400);
    expect(answer.body).toContain('engine');
  });

  it('have no answer without an export', async () => {
    await rm(join(folder, 'manifest.json'));
    const answer = await reporting.ask('GET', url);
    expect(answer.statusCode).toBe(404);
    expect(answer.json()).toMatchObject({
      code: 'not_found',
      detail: 'There is no export of the events yet; the job event-export makes one every day',
    });
  });

  it('have no answer where events are not exported', async () => {
    const withoutFolder = await startReporting();
    onTestFinished(() => withoutFolder.stop());
    const answer = await withoutFolder.ask('GET', url);
    expect(answer.statusCode).toBe(404);
    expect(answer.json().detail).toBe('Events are not exported here: ANALYTICS_FOLDER is not set');
  });

  it('are named if one is asked that does not exist', async () => {
    const answer = await reporting.ask('GET', '/api/v1/reports/questions/churm');
    expect(answer.statusCode).toBe(404);
    expect(answer.json().detail).toContain('There is no question churm; there are cheaper-plans, churn,');
  });

  it('are answered at the same time, one after the other', async () => {
    await exported();
    const answers = await Promise.all(Array.from({ length: 3 }, () => reporting.ask('GET', url)));
    for (const answer of answers) expect(answer.json().items).toEqual([row]);
  });

  it.each(['/api/v1/reports/questions', url])('are for administrators only: %s', async (path) => {
    const authorization = `Bearer ${await reporting.tokenFor('member')}`;
    expect((await reporting.ask('GET', path, { authorization })).statusCode).toBe(403);
  });
});
