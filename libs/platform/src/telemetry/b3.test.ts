import { describe, expect, it } from 'vitest';
import { b3Headers, readB3 } from './b3.ts';
import { readCaller } from './trace-context.ts';

const traceId = '80f198ee56343ba864fe8b2a57d3eff7';
const spanId = 'e457b5a2e4d86bd1';
const short = '64fe8b2a57d3eff7';

describe('the header b3', () => {
  it.each([
    ['sampled', `${traceId}-${spanId}-1`, { traceId, spanId, sampled: true }],
    ['not sampled', `${traceId}-${spanId}-0`, { traceId, spanId, sampled: false }],
    ['to debug', `${traceId}-${spanId}-d`, { traceId, spanId, sampled: true }],
    ['undecided', `${traceId}-${spanId}`, { traceId, spanId, sampled: undefined }],
    [
      'with the caller’s own parent',
      `${traceId}-${spanId}-1-05e3ac9a4f6e3b90`,
      { traceId, spanId, sampled: true },
    ],
    ['of 64 bits', `${short}-${spanId}-1`, { traceId: `0000000000000000${short}`, spanId, sampled: true }],
    ['that only denies', '0', { sampled: false }],
    ['that only asks for a trace', 'd', { sampled: true }],
  ])('%s is read', (_what, b3, expected) => {
    expect(readB3({ b3 })).toEqual(expected);
  });

  it.each([
    ['empty', ''],
    ['of a state that there is not', `${traceId}-${spanId}-2`],
    ['a state alone that there is not', 'x'],
    ['too short', `${traceId.slice(1)}-${spanId}-1`],
    ['in capitals', `${traceId.toUpperCase()}-${spanId}-1`],
    ['of trace zero', `${'0'.repeat(32)}-${spanId}-1`],
    ['of span zero', `${traceId}-${'0'.repeat(16)}-1`],
  ])('that is %s is no caller', (_what, b3) => {
    expect(readB3({ b3 })).toBeUndefined();
  });
});

describe('the headers x-b3-*', () => {
  const ids = { 'x-b3-traceid': traceId, 'x-b3-spanid': spanId };

  it.each([
    ['sampled', { ...ids, 'x-b3-sampled': '1' }, { traceId, spanId, sampled: true }],
    ['sampled, in the old spelling', { ...ids, 'x-b3-sampled': 'true' }, { traceId, spanId, sampled: true }],
    ['not sampled', { ...ids, 'x-b3-sampled': '0' }, { traceId, spanId, sampled: false }],
    [
      'to debug, which outdoes the rest',
      { ...ids, 'x-b3-flags': '1', 'x-b3-sampled': '0' },
      { traceId, spanId, sampled: true },
    ],
    ['undecided', ids, { traceId, spanId, sampled: undefined }],
    ['that only deny', { 'x-b3-sampled': '0' }, { sampled: false }],
    [
      'with a broken id and a decision',
      { ...ids, 'x-b3-spanid': '1', 'x-b3-sampled': '1' },
      { sampled: true },
    ],
  ])('%s are read', (_what, headers, expected) => {
    expect(readB3(headers)).toEqual(expected);
  });

  it('of which one is missing are no caller', () => {
    expect(readB3({ 'x-b3-traceid': traceId })).toBeUndefined();
  });

  it('yield to the single header, and both to W3C', () => {
    const other = '1'.repeat(32);
    const b3 = `${other}-${spanId}-0`;
    const multi = { ...ids, 'x-b3-sampled': '1' };
    expect(readCaller({ ...multi, b3 })).toEqual({ traceId: other, spanId, sampled: false });
    const traceparent = `00-${'2'.repeat(32)}-${'3'.repeat(16)}-01`;
    expect(readCaller({ ...multi, b3, traceparent })).toMatchObject({ traceId: '2'.repeat(32) });
    expect(readCaller({ ...multi, traceparent: 'none' })).toMatchObject({ traceId });
  });
});

describe('what a call carries for those who read B3', () => {
  it.each(['b3', 'b3multi'] as const)('in %s is read there as it is meant', (name) => {
    for (const sampled of [true, false]) {
      expect(readB3(b3Headers(name, traceId, spanId, sampled))).toEqual({ traceId, spanId, sampled });
    }
  });
});
