import { startZipkin } from '@slipway/platform/testing/zipkin';
import { afterEach, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from './testing/service.ts';

let gateway: TestGateway;
afterEach(() => gateway.stop());

/** Sends a request with a trace context, and returns the one that the service behind the gateway receives. */
async function forwarded(traceparent: string, ratio: string): Promise<string> {
  const zipkin = await startZipkin();
  gateway = await startGateway({
    OTEL_TRACES_EXPORTER: 'zipkin',
    OTEL_EXPORTER_ZIPKIN_ENDPOINT: zipkin.endpoint,
    OTEL_TRACES_SAMPLER_ARG: ratio,
  });
  await fetch(`${gateway.base}/api/v1/plans`, { headers: { traceparent } });
  await zipkin.stop();
  return String(gateway.services.billing.seen[0]?.headers.traceparent);
}

describe('the trace of a client', () => {
  const trace = '1'.repeat(32);

  it('goes on behind the gateway, but is recorded only if the gateway decides so', async () => {
    const traceparent = await forwarded(`00-${trace}-${'2'.repeat(16)}-01`, '0');
    expect(traceparent).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-00$`));
  });

  it('is recorded if the gateway decides so, whatever the client has decided', async () => {
    const traceparent = await forwarded(`00-${trace}-${'2'.repeat(16)}-00`, '1');
    expect(traceparent).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
  });

  it('is not recorded because its client has chosen a trace id that is below the share', async () => {
    const traceparent = await forwarded(`00-${'1'.padStart(32, '0')}-${'2'.repeat(16)}-01`, '0.0001');
    expect(traceparent).toMatch(/-00$/);
  });
});
