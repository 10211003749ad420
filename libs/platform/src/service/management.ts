import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { http } from '@slipway/contract-kit/node-http';
import type { Logger } from '../telemetry/log.ts';
import type { LogLevel } from '../telemetry/log-level.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { TraceRing } from '../telemetry/trace-ring.ts';
import { answerExperiment, type OperatedExperiments } from './experiment-route.ts';
import type { Lifecycle } from './lifecycle.ts';
import { answerLogLevel } from './log-level-route.ts';
import { isPrivateHost } from './private-host.ts';
import type { createStatus } from './status.ts';

type Parts = {
  service: string;
  lifecycle: Lifecycle;
  metrics: Metrics;
  log: Logger;
  logLevel: LogLevel;
  /** The credential of an operator; without it nothing can be changed. */
  token?: string;
  /** The last traces of the process. */
  traces: TraceRing;
  experiments: OperatedExperiments;
  /** Describes the process. */
  status: ReturnType<typeof createStatus>;
};

/**
 * Creates the management listener: /health (alive), /started, /status (ready), /metrics, /traces, /log-level and
 * /experiment. It is a server of its own, so that it responds while the service drains, and no guard against overload
 * rejects its requests.
 */
export function createManagement(parts: Parts): Server {
  return http.createServer({ keepAliveTimeout: 1_000 }, async (request, response) => {
    try {
      await answer(request, response, parts);
    } catch (error) {
      json(response, 500, { error: String(error) });
    }
  });
}

async function answer(request: IncomingMessage, response: ServerResponse, parts: Parts): Promise<void> {
  const { url, headers } = request;
  const { lifecycle, metrics, traces } = parts;
  if (!isPrivateHost(headers.host))
    return json(response, 421, { error: 'The Host header names another host' });
  const path = url?.split('?', 1)[0];
  if (path === '/health') return json(response, 200, { status: 'alive' });
  if (path === '/started') {
    return json(response, lifecycle.state === 'starting' ? 503 : 200, { state: lifecycle.state });
  }
  if (path === '/status') return answerStatus(response, parts);
  if (path === '/metrics') {
    const { contentType, text } = await metrics.expose(headers.accept);
    response.writeHead(200, { 'content-type': contentType }).end(text);
    return;
  }
  if (path === '/traces') return json(response, 200, { traces: traces.list() });
  if (path?.startsWith('/traces/')) return answerTrace(response, traces, path.slice('/traces/'.length));
  if (path === '/log-level') {
    const { status, body } = await answerLogLevel(request, request, parts);
    return json(response, status, body);
  }
  if (path === '/experiment') {
    const { status, body } = await answerExperiment(request, request, parts.experiments);
    return json(response, status, body);
  }
  json(response, 404, {
    error: 'Not found; see /health, /started, /status, /metrics, /traces, /log-level and /experiment',
  });
}

async function answerStatus(response: ServerResponse, { status }: Parts): Promise<void> {
  const described = await status();
  json(response, described.ready ? 200 : 503, described);
}

function answerTrace(response: ServerResponse, ring: TraceRing, traceId: string): void {
  const traces = ring.find(traceId);
  if (traces.length > 0) json(response, 200, { traces });
  else json(response, 404, { error: 'This process has stored no such trace' });
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
