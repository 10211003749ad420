import { problem } from '@slipway/contracts/errors';

/** A line: its number, counted from 1, and its bytes, which are `undefined` if it is too long. */
export type Line = { number: number; bytes: Buffer | undefined };

type Limits = { maxLine: number; maxBytes: number };

const newline = 0x0a;

/** Maximum number of lines yielded together. That saves iterations; a chunk of line feeds would have 65,536 lines. */
const maxTogether = 1_000;

const nothing = Buffer.alloc(0);

/**
 * Cuts a stream of bytes into lines, holding no more than one line and one chunk at a time.
 *
 * @param limits in bytes
 * @throws {Problem} payload_too_large if the stream is longer than `maxBytes`.
 */
export async function* readLines(
  source: AsyncIterable<Buffer>,
  { maxLine, maxBytes }: Limits,
): AsyncGenerator<Line[]> {
  let number = 0;
  let total = 0;
  let rest: Buffer[] = [];
  let restLength = 0;

  const endLine = (end: Buffer): Line => {
    const length = restLength + end.length;
    number += 1;
    if (rest.length === 0 && length <= maxLine) return { number, bytes: end };
    const bytes = length > maxLine ? undefined : Buffer.concat([...rest, end]);
    rest = [];
    restLength = 0;
    return { number, bytes };
  };
  const keep = (piece: Buffer) => {
    restLength += piece.length;
    // Only the length of a line that is too long is needed.
    if (restLength > maxLine) rest = [];
    else rest.push(piece);
  };

  for await (const chunk of source) {
    total += chunk.length;
    if (total > maxBytes) throw problem('payload_too_large', `The body is longer than ${maxBytes} bytes`);
    let lines: Line[] = [];
    let from = 0;
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, from)) {
      // For an empty line, `subarray` would cost more than all other work.
      lines.push(endLine(at === from ? nothing : chunk.subarray(from, at)));
      from = at + 1;
      if (lines.length < maxTogether) continue;
      yield lines;
      lines = [];
    }
    if (from < chunk.length) keep(chunk.subarray(from));
    if (lines.length > 0) yield lines;
  }
  if (restLength > 0) yield [endLine(nothing)];
}
