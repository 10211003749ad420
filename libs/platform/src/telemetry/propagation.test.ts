import { afterEach, describe, expect, it } from 'vitest';
import { buildService, defineService, type Service } from '../service/service.ts';
import { platformSettings, readSettings } from '../service/settings.ts';
import { outgoingHeaders } from './trace-context.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';
const short = '8448eb211c80319c';

/** Answers with the headers that its calls carry. */
const sample = defineService({
  name: 'sample',
  version: '1.0.0',
  settings: platformSettings,
  register(app) {
    app.get('/calls', async () => outgoingHeaders(100));
  },
});

let service: Service;

/** The headers of a call that is made for a request, by a service that makes no spans itself. */
async function passedOn(
  headers: Record<string, string>,
  env: Record<string, string> = {},
): Promise<Record<string, string>> {
  service = await buildService(sample, readSettings(sample.settings, { LOG_LEVEL: 'silent', ...env }));
  return (await service.app.inject({ url: '/calls', headers })).json();
}

afterEach(() => service.app.close());

describe('a traceparent', () => {
  it.each([
    ['01', '01'],
    ['00', '00'],
    ['03', '01'],
    ['02', '00'],
    ['ff', '01'],
  ])('with the flags %s is handed on with %s: no other flag is known here', async (flags, known) => {
    const { traceparent } = await passedOn({ traceparent: `00-${traceId}-${spanId}-${flags}` });
    expect(traceparent).toBe(`00-${traceId}-${spanId}-${known}`);
  });

  it('of a later version is read as far as it is known', async () => {
    const { traceparent } = await passedOn({ traceparent: `cc-${traceId}-${spanId}-01-more` });
    expect(traceparent).toBe(`00-${traceId}-${spanId}-01`);
  });

  it('is handed on with its tracestate', async () => {
    const tracestate = 'vendor=1,other=2';
    const headers = { traceparent: `00-${traceId}-${spanId}-01`, tracestate };
    expect(await passedOn(headers)).toMatchObject(headers);
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
  ])('that is %s starts a new trace', async (_what, header) => {
    const { traceparent } = await passedOn(header === undefined ? {} : { traceparent: header });
    expect(traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect(traceparent).not.toContain(traceId);
  });
});

it('a new trace has an id of its own', async () => {
  const traces = new Set([(await passedOn({})).traceparent]);
  for (let request = 1; request < 100; request += 1) {
    traces.add((await service.app.inject('/calls')).json().traceparent);
  }
  expect(traces.size).toBe(100);
});

describe('B3', () => {
  const ids = { 'x-b3-traceid': traceId, 'x-b3-spanid': spanId };

  it.each([
    ['b3, sampled', { b3: `${traceId}-${spanId}-1` }, `00-${traceId}-${spanId}-01`],
    ['b3, not sampled', { b3: `${traceId}-${spanId}-0` }, `00-${traceId}-${spanId}-00`],
    ['b3, to debug', { b3: `${traceId}-${spanId}-d` }, `00-${traceId}-${spanId}-01`],
    ['b3 with the parent', { b3: `${traceId}-${spanId}-1-05e3ac9a4f6e3b90` }, `00-${traceId}-${spanId}-01`],
    ['b3 of 64 bits', { b3: `${short}-${spanId}-1` }, `00-0000000000000000${short}-${spanId}-01`],
    ['x-b3-*, sampled', { ...ids, 'x-b3-sampled': '1' }, `00-${traceId}-${spanId}-01`],
    ['x-b3-*, in the old spelling', { ...ids, 'x-b3-sampled': 'true' }, `00-${traceId}-${spanId}-01`],
    ['x-b3-*, not sampled', { ...ids, 'x-b3-sampled': '0' }, `00-${traceId}-${spanId}-00`],
    [
      'x-b3-*, to debug, which wins',
      { ...ids, 'x-b3-flags': '1', 'x-b3-sampled': '0' },
      `00-${traceId}-${spanId}-01`,
    ],
  ])('is read from the header %s', async (_what, headers, traceparent) => {
    expect(await passedOn(headers)).toMatchObject({ traceparent });
  });

  it.each([
    ['empty', { b3: '' }],
    ['no trace', { b3: 'x' }],
    ['in capitals', { b3: `${traceId.toUpperCase()}-${spanId}-1` }],
    ['of trace zero', { b3: `${'0'.repeat(32)}-${spanId}-1` }],
    ['of span zero', { b3: `${traceId}-${'0'.repeat(16)}-1` }],
    ['without a span', { 'x-b3-traceid': traceId }],
  ])('that is %s starts a new trace', async (_what, headers) => {
    expect((await passedOn(headers as Record<string, string>)).traceparent).not.toContain(traceId);
  });

  it('yields to W3C, and of its own headers the single one wins', async () => {
    const [first, second] = ['1'.repeat(32), '2'.repeat(32)];
    const headers = { ...ids, 'x-b3-sampled': '1', b3: `${first}-${spanId}-0` };
    expect((await passedOn(headers)).traceparent).toContain(first);
    await service.app.close();
    const traceparent = `00-${second}-${spanId}-01`;
    expect((await passedOn({ ...headers, traceparent })).traceparent).toBe(traceparent);
    await service.app.close();
    expect((await passedOn({ ...headers, traceparent: 'none' })).traceparent).toContain(first);
  });

  it.each(['b3', 'b3multi'])('is sent in %s as it is read', async (name) => {
    for (const sampled of ['0', '1']) {
      const env = { OTEL_PROPAGATORS: name };
      const sent = await passedOn({ b3: `${traceId}-${spanId}-${sampled}` }, env);
      await service.app.close();
      const again = await passedOn(sent);
      expect(again.traceparent).toBe(`00-${traceId}-${spanId}-0${sampled}`);
      await service.app.close();
    }
  });

  it('is sent only where it is asked for', async () => {
    const { traceparent, ...others } = await passedOn({ b3: `${traceId}-${spanId}-1` });
    expect(traceparent).toContain(traceId);
    expect(Object.keys(others).toSorted()).toEqual(['x-correlation-id', 'x-request-timeout-ms']);
  });
});

it('baggage is handed on only where it is asked for', async () => {
  const headers = { baggage: 'tenant=7' };
  expect(await passedOn(headers)).not.toHaveProperty('baggage');
  await service.app.close();
  expect(await passedOn(headers, { OTEL_PROPAGATORS: 'tracecontext,baggage' })).toMatchObject(headers);
});
