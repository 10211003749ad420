import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { chooseFormat, toCsv, toNdjson } from './formats.ts';

describe('the format of a report', () => {
  it.each([
    [undefined, 'application/json'],
    ['', 'application/json'],
    ['*/*', 'application/json'],
    ['text/csv', 'text/csv'],
    ['TEXT/CSV', 'text/csv'],
    ['text/*', 'text/csv'],
    ['application/x-ndjson', 'application/x-ndjson'],
    ['text/csv;q=0.2, application/x-ndjson;q=0.9, application/json;q=0.5', 'application/x-ndjson'],
    ['application/json;q=0, */*', 'text/csv'],
    ['text/html, application/xhtml+xml, */*;q=0.8', 'application/json'],
  ])('for Accept: %s is %s', (accept, format) => {
    expect(chooseFormat(accept)).toBe(format);
  });

  it.each(['text/html', 'application/json;q=0', 'nonsense'])('is not available for Accept: %s', (accept) => {
    expect(() => chooseFormat(accept)).toThrow(
      expect.objectContaining({
        code: 'not_acceptable',
        message: 'Available formats are application/json, text/csv, application/x-ndjson',
        fields: [
          {
            field: 'header.accept',
            message: 'must accept one of application/json, text/csv, application/x-ndjson',
          },
        ],
      }),
    );
  });
});

const textOf = async (parts: AsyncIterable<string>) => (await Array.fromAsync(parts)).join('');

async function* rows<Row>(...all: Row[]) {
  yield* all;
}

describe('CSV', () => {
  it('has a header line and CRLF line ends, even without rows', async () => {
    expect(await textOf(toCsv(['a', 'b'], rows()))).toBe('a,b\r\n');
    expect(await textOf(toCsv(['a', 'b'], rows({ a: 'x', b: 1 }, { b: 2, a: 'y' })))).toBe(
      'a,b\r\nx,1\r\ny,2\r\n',
    );
  });

  it('quotes characters that would end a cell, and leaves all others unchanged', async () => {
    const csv = await textOf(
      toCsv(['a'], rows({ a: 'one, two' }, { a: 'a "b"' }, { a: 'über\n🚢' }, { a: 'plain text' })),
    );
    expect(csv).toBe('a\r\n"one, two"\r\n"a ""b"""\r\n"über\n🚢"\r\nplain text\r\n');
  });

  it.each(['=1+1', '+1', '-1', '@cmd', '\tx', '\uFF1D1'])('does not let a spreadsheet run %j', async (a) => {
    expect(await textOf(toCsv(['a'], rows({ a })))).toBe(`a\r\n'${a}\r\n`);
  });

  it.each([-500, -0.5, 1e21])('leaves the number %d a number', async (net) => {
    expect(await textOf(toCsv(['net'], rows({ net })))).toBe(`net\r\n${net}\r\n`);
  });

  it('reads rows only as fast as it is read, and ends them when it is destroyed', async () => {
    let read = 0;
    let ended = false;
    async function* endless() {
      try {
        for (;;) yield { n: ++read };
      } finally {
        ended = true;
      }
    }
    const csv = toCsv(['n'], endless());
    await once(csv, 'readable');
    const before = read;
    await setTimeout(20);
    expect(read).toBeLessThan(before + 10_000);
    csv.destroy();
    await vi.waitUntil(() => ended);
  });

  it('fails with the error of its rows', async () => {
    async function* failing() {
      yield { a: 1 };
      throw new Error('the store is unreachable');
    }
    await expect(textOf(toCsv(['a'], failing()))).rejects.toThrow('the store is unreachable');
  });
});

describe('NDJSON', () => {
  it('has one JSON document per line', async () => {
    expect(await textOf(toNdjson(rows({ a: 'x\ny' }, { a: 'ü' })))).toBe('{"a":"x\\ny"}\n{"a":"ü"}\n');
  });
});
