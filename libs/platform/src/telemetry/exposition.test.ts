import { afterEach, describe, expect, it, vi } from 'vitest';
import { buildService, defineService, type Service } from '../service/service.ts';
import { platformSettings, readSettings } from '../service/settings.ts';
import { startZipkin } from '../testing/zipkin.ts';

const openMetrics =
  'application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';
const sampled = '00-11111111111111111111111111111111-2222222222222222-01';
const unsampled = '00-33333333333333333333333333333333-4444444444444444-00';

const sample = defineService({
  name: 'sample',
  version: '1.0.0',
  settings: platformSettings,
  register(app) {
    app.get('/things', async () => 'things');
    app.get('/broken', async () => {
      throw new Error('broken');
    });
  },
});

let service: Service;
let zipkin: Awaited<ReturnType<typeof startZipkin>>;

async function start(env: Record<string, string> = {}) {
  zipkin = await startZipkin();
  const settings = readSettings(sample.settings, {
    LOG_LEVEL: 'silent',
    OTEL_TRACES_EXPORTER: 'zipkin',
    OTEL_EXPORTER_ZIPKIN_ENDPOINT: zipkin.endpoint,
    ...env,
  });
  service = await buildService(sample, settings);
  return service;
}

afterEach(async () => {
  await service.app.close();
  await zipkin.stop();
});

const exemplars = (text: string) => text.split('\n').filter((line) => line.includes(' # {'));

describe('metrics', () => {
  it('are OpenMetrics for who asks for it, and the text of Prometheus for others', async () => {
    const { metrics } = await start();
    const open = await metrics.expose(openMetrics);
    expect(open.contentType).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(open.text).toMatch(/\n# EOF\n$/);
    for (const accept of [undefined, '*/*', 'text/plain']) {
      const { contentType, text } = await metrics.expose(accept);
      expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
      expect(text).not.toContain('# EOF');
    }
  });

  it('have the same series in both, whichever was read first', async () => {
    const { metrics } = await start();
    const series = (text: string) =>
      text.split('\n').flatMap((line) => /^(otel_\w+|http_\w+|build_info)\{[^}]*\}/.exec(line)?.[0] ?? []);
    const before = series((await metrics.expose()).text);
    expect(series((await metrics.expose(openMetrics)).text)).toEqual(before);
    expect(series((await metrics.expose()).text)).toEqual(before);
    expect(before).toContain('otel_spans_exported_total{service="sample"}');
  });
});

describe('an exemplar', () => {
  it('leads from the bucket of a request to its trace, where that is recorded', async () => {
    const { app, metrics } = await start();
    await app.inject({ url: '/things', headers: { traceparent: sampled } });
    const [line, ...others] = await vi.waitUntil(async () => {
      const found = exemplars((await metrics.expose(openMetrics)).text);
      return found.length > 0 && found;
    });
    expect(line).toMatch(/^http_server_request_duration_seconds_bucket\{.*route="\/things".*\} 1 # /);
    expect(line).toContain(`{trace_id="${'1'.repeat(32)}"}`);
    expect(others).toEqual([]);
  });

  it('is not made of a request that is not sampled, unless that failed: then it is recorded, too', async () => {
    const { app, metrics } = await start();
    await app.inject({ url: '/things', headers: { traceparent: unsampled } });
    expect(exemplars((await metrics.expose(openMetrics)).text)).toEqual([]);
    await app.inject({ url: '/broken', headers: { traceparent: unsampled } });
    // A request is measured when its answer has left.
    await vi.waitFor(async () =>
      expect(exemplars((await metrics.expose(openMetrics)).text)).toEqual([
        expect.stringContaining(`{trace_id="${'3'.repeat(32)}"}`),
      ]),
    );
  });
});
