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

  it('lets the event loop turn between batches', async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await run([Array.from({ length: 20_000 }, (_, n) => line(n + 1))]);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(5);
  });
});
