import { describe, expect, it } from 'vitest';
import { type StoredSpan, type StoredTrace, TraceRing } from './trace-ring.ts';

const span = (name: string, kind: StoredSpan['kind'] = 'server'): StoredSpan => ({
  spanId: `id of ${name}`,
  service: 'things',
  name,
  kind,
  startedAt: 0,
  ms: 1,
});

const trace = (traceId: string, spans = [span(traceId)]): StoredTrace => ({
  traceId,
  reason: 'failed',
  isExported: false,
  spans,
});

const idsOf = (ring: TraceRing) => ring.list().map(({ traceId }) => traceId);

describe('the traces that a process stores', () => {
  it('are the last fifty of each reason', () => {
    const ring = new TraceRing();
    ring.add({ ...trace('slow one'), reason: 'slow' });
    for (let request = 0; request < 60; request += 1) ring.add(trace(`${request}`));
    expect(idsOf(ring)).toHaveLength(51);
    expect(idsOf(ring)).toContain('slow one');
    expect(ring.find('9')).toEqual([]);
    expect(ring.find('10')).toHaveLength(1);
  });

  it('are the last ten of one operation, so that it does not displace the others', () => {
    const ring = new TraceRing();
    ring.add(trace('other'));
    for (let request = 0; request < 60; request += 1) ring.add(trace(`${request}`, [span('GET /things')]));
    expect(idsOf(ring)).toEqual(['other', ...Array.from({ length: 10 }, (_, index) => `${50 + index}`)]);
  });

  it('join the requests of one trace, up to a hundred spans', () => {
    const ring = new TraceRing();
    for (let request = 0; request < 30; request += 1) {
      const spans = [0, 1, 2, 3].map((each) => span(`${request} ${each}`));
      ring.add({ ...trace('one', spans), isExported: request === 7 });
    }
    expect(ring.find('one')).toMatchObject([{ isExported: true, spans: { length: 100 } }]);
    ring.add(
      trace(
        'long',
        Array.from({ length: 101 }, () => span('call')),
      ),
    );
    expect(ring.find('long')[0]?.spans).toHaveLength(100);
  });

  it('are listed with their requests alone', () => {
    const ring = new TraceRing();
    ring.add(trace('one', [span('request'), span('call', 'client'), span('event', 'consumer')]));
    expect(ring.list()[0]?.spans.map(({ name }) => name)).toEqual(['request', 'event']);
    expect(ring.find('one')[0]?.spans).toHaveLength(3);
  });
});
