import { describe, expect, it } from 'vitest';
import { type RequestContext, withContext } from '../core/request-context.ts';
import { callerTimeout, currentTraceparent, outgoingHeaders, readTraceparent } from './trace-context.ts';
import { newTraceId } from './trace-ids.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';

describe('a traceparent', () => {
  it.each([
    ['01', true],
    ['00', false],
    ['03', true],
    ['02', false],
  ])('with the flags %s is read as sampled: %s', (flags, sampled) => {
    expect(readTraceparent(`00-${traceId}-${spanId}-${flags}`)).toEqual({ traceId, spanId, sampled });
  });

  it('of a later version is read as far as it is known', () => {
    expect(readTraceparent(`cc-${traceId}-${spanId}-01-more`)).toEqual({ traceId, spanId, sampled: true });
  });

  it.each([
    ['absent', undefined],
    ['empty', ''],
    ['of version 00 with more than it has', `00-${traceId}-${spanId}-01-more`],
    ['of the forbidden version', `ff-${traceId}-${spanId}-01`],
    ['of trace zero', `00-${'0'.repeat(32)}-${spanId}-01`],
    ['of span zero', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['in capitals', `00-${traceId.toUpperCase()}-${spanId}-01`],
    ['sent twice', `00-${traceId}-${spanId}-01, 00-${traceId}-${spanId}-01`],
  ])('that is %s starts a new trace', (_what, header) => {
    expect(readTraceparent(header)).toBeUndefined();
  });
});

describe("a caller's timeout", () => {
  it.each([
    ['250', 250],
    ['0', 0],
    ['99.5', 99.5],
    [undefined, Number.POSITIVE_INFINITY],
    ['-1', Number.POSITIVE_INFINITY],
    ['soon', Number.POSITIVE_INFINITY],
    ['', Number.POSITIVE_INFINITY],
    [' ', Number.POSITIVE_INFINITY],
    ['0x10', Number.POSITIVE_INFINITY],
    ['250, 250', Number.POSITIVE_INFINITY],
  ])('of %j is taken as %s ms', (header, expected) => {
    expect(callerTimeout({ 'x-request-timeout-ms': header })).toBe(expected);
  });
});

describe('what a call carries', () => {
  const context: RequestContext = {
    correlationId: 'journey-1',
    traceId,
    spanId: undefined,
    parentId: undefined,
    sampled: false,
    tracestate: undefined,
    propagators: ['tracecontext'],
    deadline: 0,
    recorder: undefined,
    span: undefined,
    problem: undefined,
  };

  it('is the time left alone, outside of a request', () => {
    expect(outgoingHeaders(90)).toEqual({ 'x-request-timeout-ms': '90' });
    expect(currentTraceparent()).toBeUndefined();
  });

  it('names the same parent in every call and event of a request', () => {
    const [first, second, event] = withContext({ ...context }, () => [
      outgoingHeaders(90),
      outgoingHeaders(80),
      currentTraceparent(),
    ]);
    expect(first).toMatchObject({ 'x-correlation-id': 'journey-1', 'x-request-timeout-ms': '90' });
    expect(first).not.toHaveProperty('tracestate');
    expect(first?.traceparent).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
    expect([second?.traceparent, event]).toEqual([first?.traceparent, first?.traceparent]);
  });
});

describe('a new trace id', () => {
  it('is 32 hex digits that do not repeat', () => {
    const ids = Array.from({ length: 1_000 }, newTraceId);
    expect(new Set(ids).size).toBe(1_000);
    expect(ids.every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true);
  });
});
