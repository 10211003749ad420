import type { StoredSpan } from '@slipway/platform/telemetry/trace-ring';
import { describe, expect, it } from 'vitest';
import { inTreeOrder } from './trace-tree.ts';

const span = (
  spanId: string,
  parentId: string | undefined,
  startedAt: number,
  more: Partial<StoredSpan> = {},
) =>
  ({
    spanId,
    parentId,
    startedAt,
    service: 'gateway',
    name: spanId,
    kind: 'server',
    ms: 1,
    ...more,
  }) as StoredSpan;
const call = (spanId: string, parentId: string, startedAt: number, peer: string) =>
  span(spanId, parentId, startedAt, { kind: 'client', peer });
const request = (spanId: string, parentId: string, startedAt: number, service: string) =>
  span(spanId, parentId, startedAt, { service });

/** Each span with a dot for each span above it. */
const drawn = (spans: StoredSpan[]) =>
  inTreeOrder(spans).map(({ span: { spanId }, depth }) => '.'.repeat(depth) + spanId);

describe('the spans of a trace', () => {
  it('stand below their parents, in the order of their starts', () => {
    const spans = [
      call('second call', 'root', 20, 'billing'),
      request('billing', 'second call', 21, 'billing'),
      call('first call', 'root', 10, 'users'),
      call('store', 'users', 12, 'mongodb'),
      request('users', 'first call', 11, 'users'),
      span('root', 'a client outside', 0),
    ];
    expect(drawn(spans)).toEqual(['root', '.first call', '..users', '...store', '.second call', '..billing']);
  });

  it('stand at the top if their parent is not stored', () => {
    const spans = [span('late', 'lost', 5), span('early', undefined, 1), call('store', 'late', 6, 'mongodb')];
    expect(drawn(spans)).toEqual(['early', 'late', '.store']);
  });

  it('stand below the call to their service that began last, if it was not sampled', () => {
    const spans = [
      span('root', undefined, 0),
      call('attempt', 'root', 10, 'billing'),
      call('other', 'root', 28, 'users'),
      call('retry', 'root', 30, 'billing'),
      request('first', 'root', 12, 'billing'),
      request('second', 'root', 31, 'billing'),
    ];
    expect(drawn(spans)).toEqual(['root', '.attempt', '..first', '.other', '.retry', '..second']);
  });

  it('may come from a machine whose clock is a little behind', () => {
    const spans = [
      span('root', undefined, 0),
      call('call', 'root', 10, 'billing'),
      request('billing', 'root', 7, 'billing'),
    ];
    expect(drawn(spans)).toEqual(['root', '.call', '..billing']);
  });

  it('are shown once, if a process has stored them for two reasons', () => {
    const root = span('root', undefined, 0);
    expect(drawn([root, call('call', 'root', 1, 'users'), root])).toEqual(['root', '.call']);
  });

  it('are all shown, even if the ids make a circle', () => {
    const spans = [span('one', 'two', 0, { kind: 'consumer' }), span('two', 'one', 1, { kind: 'consumer' })];
    expect(drawn(spans).map((each) => each.replace('.', ''))).toEqual(['one', 'two']);
  });
});
