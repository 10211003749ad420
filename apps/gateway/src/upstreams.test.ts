import type { Operation } from '@slipway/contract-kit/operation';
import { responses } from '@slipway/contract-kit/responses';
import { Type } from '@slipway/contract-kit/type';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

const listExtras = {
  method: 'GET',
  url: '/api/v1/extras',
  schema: {
    operationId: 'listExtras',
    summary: 'Lists extras',
    response: responses({ 200: Type.Object({}) }),
  },
  config: { access: 'public' },
} as const satisfies Operation;

// Stands for one more contract in libs/contracts, after all others.
vi.mock('@slipway/contracts/operations', async (original) => {
  const { operations, ...others } = await original<typeof import('@slipway/contracts/operations')>();
  return { ...others, operations: { ...operations, extra: [listExtras] } };
});
const { settings } = await import('./config.ts');
const { upstreamNames } = await import('./upstreams.ts');
const { startGateway } = await import('./testing/service.ts');

let gateway: Awaited<ReturnType<typeof startGateway>>;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.stop());

it('a service that has a contract is forwarded, described and shown, with no change in the gateway', async () => {
  const answer = await gateway.app.inject('/api/v1/extras');
  expect(answer.json()).toMatchObject({ service: 'extra', method: 'GET', url: '/api/v1/extras' });

  const document = (await gateway.app.inject('/api/v1/openapi.json')).json();
  expect(document.paths['/api/v1/extras'].get).toMatchObject({ operationId: 'listExtras' });

  const { services } = (await gateway.app.inject('/api/v1/system')).json();
  expect(services.at(-1)).toMatchObject({ name: 'extra' });
});

it('its addresses are settings, with the next ports as defaults', () => {
  const before = upstreamNames.length - 1;
  expect(settings.properties).toMatchObject({
    EXTRA_URL: { default: `http://127.0.0.1:${4001 + before}` },
    EXTRA_STATUS_URL: { default: `http://127.0.0.1:${4101 + before}/status` },
  });
});
