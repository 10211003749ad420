import { problem } from '@slipway/contracts/errors';
import { describe, expect, it } from 'vitest';
import { importLines } from './usage-import.ts';
import type { RecordOutcome } from './usage-recording.ts';

const record = { subscriptionId: 's1', metric: 'api_calls', quantity: 1, at: '2026-01-01T00:00:00.000Z' };
const line = (number: number, text = JSON.stringify({ ...record, id: `r${number}` })) => ({
  number,
  bytes: Buffer.from(text),
});

/** Imports chunks of lines with a recorder that keeps the ids it got, batch by batch. */
async function run(
  chunks: { number: number; bytes: Buffer | undefined }[][],
  outcomeOf: (id: string) => RecordOutcome = () => 'added',
) {
  const batches: string[][] = [];
  let invalid = 0;
  const source = (async function* () {
    yield* chunks;
  })();
  const report = await importLines(source, {
    record: async (batch) => {
      batches.push(batch.map(({ id }) => id));
      return batch.map(({ id }) => outcomeOf(id));
    },
    validate: (value) => {
      if (typeof (value as { id?: unknown }).id === 'string') return value as typeof record & { id: string };
      throw problem('invalid_request', 'body.id is missing');
    },
    onInvalid: () => {
      invalid += 1;
    },
  });
  return { report, batches, invalid };
}

describe('an import', () => {
  it('writes in batches of 1,000, and the rest at the end', async () => {
    const lines = Array.from({ length: 2_201 }, (_, n) => line(n + 1));
    const { report, batches } = await run([lines.slice(0, 1_700), lines.slice(1_700)]);
    expect(batches.map(({ length }) => length)).toEqual([1_000, 1_000, 201]);
    expect(report).toEqual({ accepted: 2_201, duplicates: 0, rejected: 0, errors: [] });
  });

  it('counts and explains what it cannot take, by line, and takes the rest', async () => {
    const outcomes: Record<string, RecordOutcome> = {
      r2: 'duplicate',
      r6: problem('conflict', 'Other content'),
    };
    const lines = [line(1), line(2), line(3, '{"id"'), line(4, ' \r'), { number: 5, bytes: undefined }];
    const { report, invalid } = await run(
      [lines, [line(6), line(7, '{}'), line(8)]],
      (id) => outcomes[id] ?? 'added',
    );
    expect(invalid).toBe(3);
    expect(report).toEqual({
      accepted: 2,
      duplicates: 1,
      rejected: 4,
      errors: [
        { line: 3, code: 'invalid_request', detail: 'The line is not JSON' },
        { line: 5, code: 'payload_too_large', detail: 'The line is too long' },
        { line: 6, code: 'conflict', detail: 'Other content' },
        { line: 7, code: 'invalid_request', detail: 'body.id is missing' },
      ],
    });
  });

  it('lists the first 100 errors and counts all', async () => {
    const { report } = await run([Array.from({ length: 150 }, (_, n) => line(n + 1, 'x'))]);
    expect(report.rejected).toBe(150);
    expect(report.errors.map((error) => error.line)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
  });

  it('ends at the 100,000th line that is rejected', async () => {
    const bad = Array.from({ length: 100_000 }, (_, n) => line(n + 2, 'x'));
    const why = '100000 lines were rejected, the first for: The line is not JSON.';
    await expect(run([[line(1)], bad])).rejects.toMatchObject({
      code: 'invalid_request',
      message: `${why} 1 records were added before, and 0 were duplicates`,
      fields: [{ field: 'body', message: 'has too many rejected lines' }],
    });
  });

  it('fails if its own code fails, and blames no line for that', async () => {
    const broken = (async function* () {
      yield [line(1)];
    })();
    const validate = () => {
      throw new TypeError('a bug');
    };
    await expect(
      importLines(broken, { record: async () => [], validate, onInvalid: () => undefined }),
    ).rejects.toThrow('a bug');
  });

  it('rejects a line that is nested too deeply, and no other', async () => {
    const deep = line(1, `${'['.repeat(8_000)}${']'.repeat(8_000)}`);
    const { report } = await run([[deep, line(2)]]);
    expect(report).toMatchObject({
      accepted: 1,
      rejected: 1,
      errors: [{ line: 1, code: 'invalid_request' }],
    });
  });

  it('gives way to others while it reads nothing but line ends', async () => {
    const turns = countTurns();
    const empty = Array.from({ length: 1_000 }, (_, n) => ({ number: n + 1, bytes: Buffer.alloc(0) }));
    const { report } = await run(Array(2_000).fill(empty));
    expect(report).toEqual({ accepted: 0, duplicates: 0, rejected: 0, errors: [] });
    expect(turns()).toBeGreaterThan(2);
  });

  it('gives way to others while it reads many lines', async () => {
    const turns = countTurns();
    await run([Array.from({ length: 100_000 }, (_, n) => line(n + 1))]);
    expect(turns()).toBeGreaterThan(5);
  });
});

/** Counts the iterations of the event loop until the returned function is called, which returns their number. */
function countTurns(): () => number {
  const { loopCount } = performance.nodeTiming.uvMetricsInfo;
  return () => performance.nodeTiming.uvMetricsInfo.loopCount - loopCount;
}
