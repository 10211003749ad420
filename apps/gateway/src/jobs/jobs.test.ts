import type { AddressInfo } from 'node:net';
import { createUpstream, type Upstream } from '@slipway/platform/calls/upstream';
import { createMetrics } from '@slipway/platform/telemetry/metrics';
import Fastify from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jobs } from './jobs.ts';

const token = 'a secret of the job';
const asOf = '2026-01-01T00:00:00.000Z';

describe('a job', () => {
  let runs: object[];
  let requests: number;
  let service: Upstream;
  let close: () => Promise<void>;

  beforeEach(async () => {
    runs = [];
    requests = 0;
    const app = Fastify();
    app.addHook('onRequest', async ({ headers }, reply) => {
      requests += 1;
      if (headers.authorization !== `Bearer ${token}`) return reply.code(401).send({});
    });
    app.post('/api/v1/billing-runs', async () => runs.shift());
    app.post('/api/v1/reports/rebuild', async () => ({ events: 3, equal: false }));
    await app.listen({ port: 0 });
    const { port } = app.server.address() as AddressInfo;
    const metrics = createMetrics('job', '1.0.0');
    service = createUpstream({ name: 'service', address: `http://127.0.0.1:${port}`, metrics });
    close = async () => {
      await service.close();
      await app.close();
    };
  });
  afterEach(() => close());

  it('repeats the billing run until it is complete, with its own token and no other request', async () => {
    runs = [
      { asOf, issued: 7, subscriptions: 7, failed: 0, complete: false },
      { asOf, issued: 5, subscriptions: 5, failed: 0, complete: true },
    ];
    const report = await jobs['billing-cycle']?.run(service, token);
    expect(report).toEqual({ done: true, issued: 12, failed: 0, requests: 2 });
    expect(requests).toBe(2);
  });

  it('is not done if a subscription could not be billed', async () => {
    runs = [{ asOf, issued: 1, subscriptions: 1, failed: 2, complete: true }];
    expect(await jobs['billing-cycle']?.run(service, token)).toMatchObject({ done: false, failed: 2 });
  });

  it('gives up a billing cycle that never completes', async () => {
    runs = Array(40).fill({ asOf, issued: 1, subscriptions: 1, failed: 0, complete: false });
    expect(await jobs['billing-cycle']?.run(service, token)).toEqual({
      done: false,
      issued: 30,
      requests: 30,
    });
  });

  it('is done even if the figures were wrong, because they are correct now', async () => {
    expect(await jobs['reporting-rebuild']?.run(service, token)).toEqual({
      done: true,
      events: 3,
      equal: false,
    });
  });
});
