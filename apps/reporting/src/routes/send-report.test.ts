import type { AddressInfo } from 'node:net';
import { buildService, defineService } from '@slipway/platform/service/service';
import { platformSettings, readSettings } from '@slipway/platform/service/settings';
import { expect, it } from 'vitest';
import { sendReport } from './send-report.ts';

async function* breakingRows() {
  yield { period: '2026-03' };
  // More than one part of the response, so that its head was sent.
  for (let n = 0; n < 10_000; n++) yield { period: 'x'.repeat(100) };
  throw new Error('the store is away');
}

const sample = defineService({
  name: 'sample',
  version: '1.0.0',
  settings: platformSettings,
  register(app) {
    app.get('/report', (request, reply) =>
      sendReport(request, reply, { properties: { period: true } }, breakingRows()),
    );
  },
});

it.each(['text/csv', 'application/x-ndjson'])(
  'a report as %s that breaks off in the middle counts as a failure of the service',
  async (accept) => {
    const lines: string[] = [];
    const logTo = { write: (line: string) => void lines.push(line) };
    const { app } = await buildService(sample, readSettings(sample.settings, {}), { logTo });
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}/report`, { headers: { accept } });
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
    const requestLine = () => lines.map((line) => JSON.parse(line)).find(({ msg }) => msg === 'request');
    await expect.poll(requestLine).toMatchObject({ status: 500, problem: 'internal' });
    await app.close();
  },
);
