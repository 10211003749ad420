/** Exports that were stopped, or that meet others in the same folder. */
import { existsSync } from 'node:fs';
import { copyFile, glob, mkdir, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ReportedEvent } from '../figures.ts';
import type { ReportingStore } from '../store/store.ts';
import { april, closeExports, march, openExports } from '../testing/exports.ts';
import { filesOf } from './answers.ts';
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

describe('an export', () => {
  it('that was stopped goes on after its last chunk', async () => {
    await apply(...march, ...april);
    const stop = new AbortController();
    const reads: number[] = [];
    const counting = {
      async storedEvents(cursor: string | undefined, limit: number) {
        const page = await store.storedEvents(cursor, Math.min(limit, 10));
        reads.push(page.events.length);
        return page;
      },
    };
    const onProgress = (events: number) => events === 50 && stop.abort(new Error('stopped'));
    const options = { store: counting, folder, chunkSize: 20 };
    await expect(exportEvents({ ...options, signal: stop.signal, onProgress })).rejects.toThrow('stopped');
    expect(await readManifest(folder)).toBeUndefined();
    reads.length = 0;
    expect(await exportEvents(options)).toMatchObject({ number: 1, events: 60 });
    // Two of the three chunks are there already.
    expect(reads).toEqual([10, 10, 0]);
  });

  it('is not published by a process that may not write any more', async () => {
    await apply(...march);
    const check = () => {
      throw new Error('another replica exports now');
    };
    await expect(exportEvents({ store, folder, check })).rejects.toThrow('another replica exports now');
    expect(await readManifest(folder)).toBeUndefined();
  });

  it('does not replace one that has finished meanwhile', async () => {
    await apply(...march);
    let other: Manifest | undefined;
    const slow = {
      async storedEvents(cursor: string | undefined, limit: number) {
        other ??= await exportEvents({ store, folder });
        return store.storedEvents(cursor, limit);
      },
    };
    await expect(exportEvents({ store: slow, folder })).rejects.toThrow('Another process exports into');
    expect(await readManifest(folder)).toEqual(other);
    expect(await exportEvents({ store, folder })).toMatchObject({ number: 2, events: 30 });
  });

  it('takes over what another process has read, which then stops', async () => {
    await apply(...march, ...april);
    const begun = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const slow = {
      async storedEvents(cursor: string | undefined, limit: number) {
        if (cursor === '40') {
          begun.resolve();
          await goOn.promise;
        }
        return store.storedEvents(cursor, Math.min(limit, 20));
      },
    };
    const overtaken = exportEvents({ store: slow, folder, chunkSize: 20 });
    await begun.promise;
    const cursors: unknown[] = [];
    const counting = {
      async storedEvents(cursor: string | undefined, limit: number) {
        cursors.push(cursor);
        goOn.resolve();
        await expect(overtaken).rejects.toThrow('Another process exports into');
        return store.storedEvents(cursor, limit);
      },
    };
    expect(await exportEvents({ store: counting, folder })).toMatchObject({ number: 1, events: 60 });
    expect(cursors[0]).toBe('40');
  });

  it('begins again if chunks of a stopped one are missing', async () => {
    await apply(...march);
    const stop = new AbortController();
    const onProgress = (events: number) => events === 30 && stop.abort(new Error('stopped'));
    const stopped = exportEvents({ store, folder, chunkSize: 10, signal: stop.signal, onProgress });
    await expect(stopped).rejects.toThrow('stopped');
    for await (const chunk of glob('staging/*/month=*', { cwd: folder })) {
      await rm(join(folder, chunk), { recursive: true });
    }
    expect(await exportEvents({ store, folder })).toMatchObject({ number: 1, events: 30 });
  });

  it('leaves for an hour what another process has written as the same export, and may still publish', async () => {
    await apply(...march);
    const { months } = await exportEvents({ store, folder });
    const [file = ''] = filesOf(folder, { months } as Manifest);
    const other = file.replace(/1-.*$/, '1-other.parquet');
    const spill = join(folder, 'spill/other');
    await copyFile(file, other);
    await mkdir(spill, { recursive: true });
    await exportEvents({ store, folder });
    const newest = (await readManifest(folder)) as Manifest;
    const sameNumber = file.replace(/1-.*$/, `${newest.number}-other.parquet`);
    await copyFile(file, sameNumber);
    await exportEvents({ store, folder });
    expect([existsSync(other), existsSync(sameNumber), existsSync(spill)]).toEqual([false, true, true]);
    const hourAgo = Date.now() / 1_000 - 3_601;
    for (const path of [sameNumber, spill]) await utimes(path, hourAgo, hourAgo);
    await exportEvents({ store, folder });
    expect([existsSync(sameNumber), existsSync(spill)]).toEqual([false, false]);
  });
});
