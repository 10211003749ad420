import { randomUUID } from 'node:crypto';
import { buildService, type Service } from '@slipway/platform/service/service';
import { readSettings } from '@slipway/platform/service/settings';
import { orphansIn, startZipkin, type ZipkinSpan } from '@slipway/platform/testing/zipkin';
import { afterEach, describe, expect, it } from 'vitest';
import { defineCounter, shop } from './delivery.fixture.ts';

let zipkin: Awaited<ReturnType<typeof startZipkin>>;
const services: Service[] = [];

afterEach(async () => {
  await stop();
  await zipkin.stop();
});

async function stop(): Promise<void> {
  await Promise.all(services.splice(0).map(({ app }) => app.close()));
}

/** A shop and a counter that both record a share of new traces. */
async function start(ratio: string) {
  zipkin = await startZipkin();
  const env = {
    LOG_LEVEL: 'silent',
    OTEL_TRACES_EXPORTER: 'zipkin',
    OTEL_TRACES_SAMPLER_ARG: ratio,
    OTEL_EXPORTER_ZIPKIN_ENDPOINT: zipkin.endpoint,
  };
  const { definition, counted } = defineCounter();
  const counter = await buildService(definition, readSettings(definition.settings, env));
  services.push(counter);
  const address = await counter.app.listen({ port: 0, host: '127.0.0.1' });
  const settings = readSettings(shop.settings, {
    ...env,
    STORE_URL: 'sqlite::memory:',
    COUNTER_URL: address,
  });
  const seller = await buildService(shop, settings);
  services.push(seller);
  return { counted, seller };
}

async function order({ app }: Service, item: string, headers: Record<string, string> = {}): Promise<void> {
  const key = { 'idempotency-key': randomUUID() };
  const payload = { item };
  const { statusCode } = await app.inject({
    method: 'POST',
    url: '/orders',
    payload,
    headers: { ...key, ...headers },
  });
  expect(statusCode).toBe(201);
}

/** Spans as a tree: `service name` and what is below it, in the order in which they began. */
function treeOf(spans: ZipkinSpan[], span: ZipkinSpan): unknown[] {
  const below = spans
    .filter(({ traceId, parentId }) => traceId === span.traceId && parentId === span.id)
    .toSorted((a, b) => a.timestamp - b.timestamp);
  return [`${span.localEndpoint.serviceName} ${span.name}`, ...below.map((each) => treeOf(spans, each))];
}

const rootNamed = (name: string) => {
  const found = zipkin.spans.find((span) => span.name === name && span.parentId === undefined);
  if (!found) throw new Error(`There is no root ${name}`);
  return found;
};

describe('the trace of a request that causes an event', () => {
  it('shows the work of the event at its reader, and the delivery is a trace with a link to it', async () => {
    const { counted, seller } = await start('1');
    await order(seller, 'tea');
    await expect.poll(() => counted.items).toEqual(['tea']);
    await stop();
    const { spans } = zipkin;
    const request = rootNamed('POST /orders');
    const delivery = rootNamed('deliver events');
    expect(treeOf(spans, request)).toEqual([
      'shop POST /orders',
      ['shop store idempotency.reserve'],
      ['shop store place'],
      ['shop store idempotency.complete'],
      ['counter event order.placed'],
    ]);
    expect(treeOf(spans, delivery)).toEqual([
      'shop deliver events',
      ['shop counter deliverEvents', ['counter POST /internal/v1/events']],
      ['shop store outbox.delivered'],
    ]);
    expect(delivery.tags.links).toBe(request.traceId);
    const event = spans.find(({ name }) => name === 'event order.placed');
    expect(event?.tags.links).toBe(delivery.traceId);
    expect(event?.remoteEndpoint?.serviceName).toBe('shop');
    expect(orphansIn(spans)).toEqual([]);
  });

  it('is complete although deliveries are not sampled, as its caller has decided', async () => {
    const { counted, seller } = await start('0');
    const traceId = '1'.repeat(32);
    await order(seller, 'tea', { traceparent: `00-${traceId}-${'2'.repeat(16)}-01` });
    await order(seller, 'milk');
    await expect.poll(() => counted.items.toSorted()).toEqual(['milk', 'tea']);
    await stop();
    expect(new Set(zipkin.spans.map((span) => span.traceId))).toEqual(new Set([traceId]));
    expect(zipkin.spans.map(({ name }) => name)).toContain('event order.placed');
    expect(orphansIn(zipkin.spans).map(({ name }) => name)).toEqual(['POST /orders']);
  });
});
