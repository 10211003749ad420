import { createHash } from 'node:crypto';
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ReportedEvent } from '../figures.ts';
import { loadQuestions } from '../questions.ts';
import { openStore } from '../store/open.ts';
import type { ReportingStore } from '../store/store.ts';
import { paid, signedUp, started, used } from '../testing/events.ts';
import { april, closeExports, march, openExports } from '../testing/exports.ts';
import { filesOf } from './answers.ts';
import { openDuckDB, type Value } from './duckdb.ts';
import { columns } from './event-rows.ts';
import { exportEvents } from './export.ts';
import { type Manifest, readManifest } from './manifest.ts';

let root: string;
let folder: string;
let store: ReportingStore;
beforeEach(async () => {
  ({ root, folder, store } = await openExports());
});
afterEach(() => closeExports({ root, store }));

const apply = async (...events: ReportedEvent[]) => {
  for (const event of events) await store.apply(event);
};
const pathsOf = (manifest: Manifest, from = folder) => filesOf(from, manifest);

async function query(sql: string): Promise<Value[][]> {
  const duckdb = await openDuckDB({ temporaryFolder: join(root, 'spill') });
  try {
    return (await duckdb.query(sql)).rows;
  } finally {
    duckdb.close();
  }
}

/** Returns the hash of each month's file. */
async function hashes({ months }: Manifest, from = folder) {
  const entries = Object.entries(months).map(async ([month, { file }]) => {
    const content = await readFile(join(from, file));
    return [month, createHash('sha256').update(content).digest('hex')] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

describe('an export', () => {
  it('has a file for each month in UTC', async () => {
    await apply(...march, ...april, signedUp({ at: '2026-05-01T00:30:00+02:00' }));
    const manifest = await exportEvents({ store, folder });
    expect(manifest).toMatchObject({ number: 1, events: 61 });
    expect(Object.entries(manifest.months).map(([month, { events }]) => [month, events])).toEqual([
      ['2026-03', 30],
      ['2026-04', 31],
    ]);
    expect(await readManifest(folder)).toEqual(manifest);
  });

  it('has the fields of an event in columns with types, in order of time', async () => {
    await apply(
      started({ at: '2026-03-02T10:00:00.25+01:00', price: Number.MAX_SAFE_INTEGER, version: 3 }),
      signedUp({ userId: "o'hara", at: '2026-03-01T10:00:00Z' }),
    );
    const [file = ''] = pathsOf(await exportEvents({ store, folder }));
    const from = `FROM read_parquet('${file.replaceAll("'", "''")}', hive_partitioning = false)`;
    expect(
      await query(`SELECT type, happened_at, day, month, user_id, price, version, amount ${from}`),
    ).toEqual([
      ['user.signed_up', '2026-03-01 10:00:00', '2026-03-01', '2026-03', "o'hara", null, null, null],
      [
        'subscription.started',
        '2026-03-02 09:00:00.25',
        '2026-03-02',
        '2026-03',
        'u1',
        BigInt(Number.MAX_SAFE_INTEGER),
        3n,
        null,
      ],
    ]);
    expect(await query(`SELECT column_name, column_type FROM (DESCRIBE SELECT * ${from})`)).toEqual(
      Object.entries(columns),
    );
  });

  it('leaves out a field that it does not know, such as personal data, and the trace', async () => {
    const event = signedUp({});
    await apply({
      ...event,
      trace: '00-a-b-01',
      data: { ...event.data, email: 'ann@example.com' },
    } as ReportedEvent);
    const [file = ''] = pathsOf(await exportEvents({ store, folder }));
    expect((await readFile(file)).includes('ann@example.com')).toBe(false);
  });

  it('leaves out what services tell each other of their jobs', async () => {
    const data = { job: 'billing-cycle', succeeded: 3 };
    const event = {
      id: 'j1',
      type: 'job.succeeded',
      at: '2026-03-01T00:00:00Z',
      source: 'billing',
      data,
    } as const;
    await apply(event);
    expect(await exportEvents({ store, folder })).toMatchObject({ events: 0, months: {}, cursor: '1' });
    await apply(...march);
    expect(await exportEvents({ store, folder })).toMatchObject({ events: 30 });
  });

  it('writes only the months that have new events', async () => {
    await apply(...march, ...april);
    const first = await exportEvents({ store, folder });
    await apply(paid({ at: '2026-04-30T00:00:00Z' }));
    const second = await exportEvents({ store, folder });
    expect(second).toMatchObject({ number: 2, events: 61 });
    expect(second.months['2026-03']).toEqual(first.months['2026-03']);
    expect(second.months['2026-04']?.file).not.toBe(first.months['2026-04']?.file);
  });

  it('has a late event in the month in which it happened', async () => {
    await apply(...march, ...april);
    await exportEvents({ store, folder });
    await apply(used({ at: '2026-03-31T23:59:59Z' }));
    expect((await exportEvents({ store, folder })).months['2026-03']?.events).toBe(31);
  });

  it('makes the same files of the same events, in however many exports and chunks', async () => {
    const events = [...march, ...april];
    for (const part of [events.slice(0, 1), events.slice(1, 40), events.slice(40)]) {
      await apply(...part);
      await exportEvents({ store, folder, chunkSize: 10 });
    }
    const whole = join(root, 'whole');
    const other = await openStore('sqlite::memory:');
    for (const event of events.toReversed()) await other.apply(event);
    const atOnce = await exportEvents({ store: other, folder: whole });
    await other.close();
    expect(await hashes(atOnce, whole)).toEqual(await hashes((await readManifest(folder)) as Manifest));
  });

  it('has an event once that the store returns twice', async () => {
    await apply(...march);
    const twice = {
      async storedEvents(cursor: string | undefined, limit: number) {
        const page = await store.storedEvents(cursor, limit);
        return { ...page, events: [...page.events, ...page.events] };
      },
    };
    expect(await exportEvents({ store: twice, folder })).toMatchObject({ events: 30 });
  });

  it('without new events has a new time and the same files', async () => {
    await apply(...march);
    const first = await exportEvents({ store, folder });
    const second = await exportEvents({ store, folder });
    expect(second).toMatchObject({ number: 2, months: first.months });
    expect(second.exportedAt > first.exportedAt).toBe(true);
  });

  it('of a store without events has no month, and no script for Spark', async () => {
    expect(await exportEvents({ store, folder })).toMatchObject({ number: 1, events: 0, months: {} });
    await expect(readFile(join(folder, 'spark.sql'))).rejects.toThrow('ENOENT');
  });

  it('has a script for Spark, which reads its files and asks all questions', async () => {
    await apply(...march);
    await exportEvents({ store, folder });
    await apply(...april);
    const { months, exportedAt } = await exportEvents({ store, folder });
    const script = await readFile(join(folder, 'spark.sql'), 'utf8');
    const files = Object.values(months).map(({ file }) => file);
    expect(script).toContain(`OPTIONS (path '{${files.join(',')}}')`);
    for (const { name, sql } of loadQuestions()) {
      expect(script).toContain(
        `INSERT OVERWRITE DIRECTORY '$\{env:ANSWERS}/${name}' USING parquet\n${sql};\n`,
      );
    }
    expect(script).toContain(`SELECT 2 AS export, '${exportedAt}' AS exportedAt`);
  });

  it('keeps the files of the two exports before, and no others', async () => {
    const files = async () =>
      (await Array.fromAsync(glob('events/*/*', { cwd: folder }))).map((file) => join(folder, file)).sort();
    const manifests: Manifest[] = [];
    for (const event of march.slice(0, 5)) {
      await apply(event);
      manifests.push(await exportEvents({ store, folder }));
    }
    expect(await files()).toEqual(
      manifests
        .slice(2)
        .flatMap((each) => pathsOf(each))
        .sort(),
    );
  });
});
