import { randomFillSync } from 'node:crypto';

/** The bytes of a trace id and of a span id, as W3C Trace Context defines them. */
const idBytes = { trace: 16, span: 8 };

/** Random bytes for many ids, because asking the system for them costs more than all else that an id needs. */
const random = Buffer.alloc(128 * (idBytes.trace + idBytes.span));
let used = random.length;

function hex(bytes: number): string {
  if (used + bytes > random.length) {
    randomFillSync(random);
    used = 0;
  }
  used += bytes;
  return random.toString('hex', used - bytes, used);
}

export const newTraceId = () => hex(idBytes.trace);

export const newSpanId = () => hex(idBytes.span);
