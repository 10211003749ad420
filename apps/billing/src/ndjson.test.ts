import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLines } from './ndjson.ts';

const limits = { maxLine: 10, maxBytes: 1_000 };

async function linesOf(chunks: (string | Buffer)[], given = limits) {
  const source = (async function* () {
    for (const chunk of chunks) yield Buffer.from(chunk);
  })();
  const lines = (await Array.fromAsync(readLines(source, given))).flat();
  return lines.map(({ number, bytes }) => [number, bytes?.toString()]);
}

describe('lines of a stream', () => {
  it('are numbered from 1, the last with or without its newline', async () => {
    const expected = [
      [1, 'a'],
      [2, ''],
      [3, 'b'],
    ];
    expect(await linesOf(['a\n\nb\n'])).toEqual(expected);
    expect(await linesOf(['a\n\nb'])).toEqual(expected);
    expect(await linesOf([''])).toEqual([]);
  });

  it('are the same however the stream is cut, even within a character', async () => {
    const text = Buffer.from('äöü\n\n€\nlast');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(text.length)), async (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), text.length];
        const chunks = places.slice(1).map((end, index) => text.subarray(places[index], end));
        expect(await linesOf(chunks)).toEqual([
          [1, 'äöü'],
          [2, ''],
          [3, '€'],
          [4, 'last'],
        ]);
      }),
    );
  });

  it('come at most 1,000 together, whatever a chunk holds', async () => {
    const source = (async function* () {
      yield Buffer.alloc(2_500, '\n');
    })();
    const parts = await Array.fromAsync(readLines(source, { ...limits, maxBytes: 10_000 }));
    expect(parts.map(({ length }) => length)).toEqual([1_000, 1_000, 500]);
    expect(parts.flat().at(-1)).toMatchObject({ number: 2_500 });
  });

  it('are given without content if they are too long, and the next are read', async () => {
    expect(await linesOf(['0123456789\n01234567890\nb'])).toEqual([
      [1, '0123456789'],
      [2, undefined],
      [3, 'b'],
    ]);
    expect(await linesOf(['01234', '56789\n', '0123456789', '\n'])).toEqual([
      [1, '0123456789'],
      [2, '0123456789'],
    ]);
    expect(await linesOf(['01234', '56789', '0\nb\n', '01234', '567890'])).toEqual([
      [1, undefined],
      [2, 'b'],
      [3, undefined],
    ]);
  });

  it('hold nothing of a line that is too long', async () => {
    const megabytes = (async function* () {
      for (let n = 0; n < 400; n++) yield Buffer.alloc(1_048_576, 'x');
    })();
    const given = { maxLine: 1_000, maxBytes: 1_048_576 * 400 };
    const before = process.memoryUsage().arrayBuffers;
    const lines = (await Array.fromAsync(readLines(megabytes, given))).flat();
    expect(lines).toEqual([{ number: 1, bytes: undefined }]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200 * 1_048_576);
  });

  it('end with a problem when the whole is too long', async () => {
    expect(await linesOf(['a\nb\n'], { maxLine: 10, maxBytes: 4 })).toHaveLength(2);
    await expect(linesOf(['a\nb\n', 'c'], { maxLine: 10, maxBytes: 4 })).rejects.toMatchObject({
      code: 'payload_too_large',
      message: 'The body is longer than 4 bytes',
    });
  });
});
