import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pid } from 'node:process';
import type { Upstream } from '../calls/upstream.ts';
import type { Logger } from '../telemetry/log.ts';
import type { LogLevel } from '../telemetry/log-level.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Lifecycle } from './lifecycle.ts';
import { answerLogLevel } from './log-level-route.ts';
import { isPrivateHost } from './private-host.ts';

type Parts = {
  service: string;
  version: string;
  lifecycle: Lifecycle;
  metrics: Metrics;
  log: Logger;
  logLevel: LogLevel;
  /** The credential of an operator; without it nothing can be changed. */
  token?: string;
  /** Services that this one calls. An unreachable one does not make this one unready, or failures would spread. */
  upstreams: Pick<Upstream, 'name' | 'breaker'>[];
  /** Returns how busy the service is. Load never makes it unready, because it would fall on the other replicas. */
  load: () => object;
};

/**
 * Creates the management listener: /health (alive), /started, /status (ready), /metrics and /log-level. It is a server
 * of its own, so that it responds while the service drains, and no guard against overload rejects its requests.
 */
export function createManagement(parts: Parts): Server {
  return createServer({ keepAliveTimeout: 1_000 }, async (request, response) => {
    try {
      await answer(request, response, parts);
    } catch (error) {
      json(response, 500, { error: String(error) });
    }
  });
}

async function answer(request: IncomingMessage, response: ServerResponse, parts: Parts): Promise<void> {
  const { url, headers } = request;
  const { lifecycle, metrics } = parts;
  if (!isPrivateHost(headers.host))
    return json(response, 421, { error: 'The Host header names another host' });
  const path = url?.split('?', 1)[0];
  if (path === '/health') return json(response, 200, { status: 'alive' });
  if (path === '/started') {
    return json(response, lifecycle.state === 'starting' ? 503 : 200, { state: lifecycle.state });
  }
  if (path === '/status') return status(response, parts);
  if (path === '/metrics') {
    const { contentType, text } = await metrics.expose(headers.accept);
    response.writeHead(200, { 'content-type': contentType }).end(text);
    return;
  }
  if (path === '/log-level') {
    const { status, body } = await answerLogLevel(request, request, parts);
    return json(response, status, body);
  }
  json(response, 404, { error: 'Not found; see /health, /started, /status, /metrics and /log-level' });
}

async function status(response: ServerResponse, parts: Parts): Promise<void> {
  const { service, version, lifecycle, upstreams, load } = parts;
  const { ready, dependencies } = await lifecycle.readiness();
  json(response, ready ? 200 : 503, {
    service,
    version,
    state: lifecycle.state,
    ready,
    pid,
    upSeconds: Math.round(performance.now() / 1000),
    notices: lifecycle.notices,
    dependencies,
    upstreams: upstreams.map(({ name, breaker }) => ({ name, breaker })),
    load: load(),
  });
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
