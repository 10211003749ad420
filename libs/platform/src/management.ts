import { createServer, type Server, type ServerResponse } from 'node:http';
import { pid } from 'node:process';
import type { Lifecycle } from './lifecycle.ts';
import type { Metrics } from './metrics.ts';

type Parts = { service: string; version: string; lifecycle: Lifecycle; metrics: Metrics; load: () => object };

/**
 * The listener for those who run the service: /health (alive), /started, /status (ready) and /metrics.
 * It is a server of its own, so that it answers while the service drains and however loaded that is.
 */
export function createManagement(parts: Parts): Server {
  return createServer({ keepAliveTimeout: 1_000 }, async (request, response) => {
    try {
      await answer(request.url?.split('?', 1)[0], response, parts);
    } catch (error) {
      json(response, 500, { error: String(error) });
    }
  });
}

async function answer(path: string | undefined, response: ServerResponse, parts: Parts): Promise<void> {
  const { lifecycle, metrics } = parts;
  if (path === '/health') return json(response, 200, { status: 'alive' });
  if (path === '/started') {
    return json(response, lifecycle.state === 'starting' ? 503 : 200, { state: lifecycle.state });
  }
  if (path === '/status') return status(response, parts);
  if (path === '/metrics') {
    response.writeHead(200, { 'content-type': metrics.contentType });
    response.end(await metrics.text());
    return;
  }
  json(response, 404, { error: 'There is /health, /started, /status and /metrics' });
}

async function status(response: ServerResponse, { service, version, lifecycle, load }: Parts): Promise<void> {
  const { ready, dependencies } = await lifecycle.readiness();
  json(response, ready ? 200 : 503, {
    service,
    version,
    state: lifecycle.state,
    ready,
    pid,
    upSeconds: Math.round((Date.now() - lifecycle.startedAt) / 1000),
    dependencies,
    load: load(),
  });
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
