import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { listPlans } from '@slipway/contracts/billing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serviceNames } from '../../scripts/system.ts';
import { send } from '../support/http.ts';
import { newPerson } from '../support/people.ts';
import { type System, startSystem } from '../support/system.ts';

/** Requests of each half, and how many of them at a time. */
const requests = 500;
const together = 4;
/** Small, so that it is soon full. */
const queue = { OTEL_BSP_MAX_QUEUE_SIZE: '256', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '64' };
/** Maximum number of spans that a service holds: its queue, and the batch that is being sent. */
const kept = 256 + 64;

describe('a collector that takes everything and never answers', () => {
  let collector: Server;
  const connections: Socket[] = [];
  let system: System;

  beforeAll(async () => {
    collector = createServer((socket) => void connections.push(socket.on('error', () => {}).resume()));
    await once(collector.listen(0, '127.0.0.1'), 'listening');
    const { port } = collector.address() as AddressInfo;
    system = await startSystem({
      env: {
        OTEL_TRACES_EXPORTER: 'zipkin',
        OTEL_TRACES_SAMPLER_ARG: '1',
        OTEL_EXPORTER_ZIPKIN_ENDPOINT: `http://127.0.0.1:${port}/api/v2/spans`,
        RATE_LIMIT: '1000000',
        ...queue,
      },
    });
  });
  afterAll(async () => {
    await system?.stop();
    for (const connection of connections) connection.destroy();
    collector.close();
  });

  const metric = async (name: string) => {
    const text = await (await fetch(`${system.services.gateway.management}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  };
  /** How many requests were not answered with 200. */
  const failuresOf = async (count: number) => {
    let left = count;
    let failures = 0;
    const customer = async () => {
      while (left-- > 0) {
        const status = await send(system.base, listPlans, {}).then(
          (answer) => answer.status,
          () => 0,
        );
        if (status !== 200) failures += 1;
      }
    };
    await Promise.all(Array.from({ length: together }, customer));
    return failures;
  };

  it('loses no request, and takes no more memory than its queue', { timeout: 120_000 }, async () => {
    expect(await failuresOf(requests)).toBe(0);
    const before = await metric('process_resident_memory_bytes');
    expect(await failuresOf(requests)).toBe(0);
    const grown = (await metric('process_resident_memory_bytes')) - before;
    expect(grown).toBeLessThan(64 * 1_048_576);

    expect(connections.length).toBeGreaterThan(0);
    expect(await metric('otel_spans_exported_total')).toBe(0);
    // The gateway makes two spans a request: its own, and that of the call.
    expect(await metric('otel_spans_dropped_total')).toBeGreaterThanOrEqual(2 * 2 * requests - kept);
  });

  it('fails no write and delays no sign-up', async () => {
    const begin = performance.now();
    await newPerson(system.base);
    expect(performance.now() - begin).toBeLessThan(5_000);
  });

  it('keeps no service from stopping in time', async () => {
    const begin = performance.now();
    const exits = serviceNames.map((name) => system.services[name].kill('SIGTERM'));
    expect((await Promise.all(exits)).map(({ code }) => code)).toEqual(serviceNames.map(() => 0));
    expect(performance.now() - begin).toBeLessThan(10_000);
  });
});
