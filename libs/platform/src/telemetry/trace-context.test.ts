import { describe, expect, it } from 'vitest';
import { withContext } from '../core/request-context.ts';
import { requestWith } from '../testing/request-context.ts';
import { callerTimeout, currentTraceparent, outgoingHeaders } from './trace-context.ts';

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
  it('is the time left alone, outside of a request', () => {
    expect(outgoingHeaders(90)).toEqual({ 'x-request-timeout-ms': '90' });
    expect(currentTraceparent()).toBeUndefined();
  });

  it('names the same parent in every call and event of a request', () => {
    const request = requestWith(1_000);
    const { traceId } = request.span.spanContext();
    const [first, second, event] = withContext(request, () => [
      outgoingHeaders(90),
      outgoingHeaders(80),
      { traceparent: currentTraceparent() },
    ]);
    expect(first).toMatchObject({ 'x-correlation-id': 'journey-1', 'x-request-timeout-ms': '90' });
    expect(first).not.toHaveProperty('tracestate');
    expect(first?.traceparent).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
    expect([second?.traceparent, event?.traceparent]).toEqual([first?.traceparent, first?.traceparent]);
  });
});
