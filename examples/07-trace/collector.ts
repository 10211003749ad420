import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { listen } from '../support/ports.ts';

/** One step of a request, in the format of Zipkin. Times are in microseconds. */
export type Span = {
  traceId: string;
  id: string;
  parentId?: string;
  name: string;
  timestamp: number;
  duration: number;
  localEndpoint: { serviceName: string };
};

/** Receives spans as Zipkin does. */
export async function startCollector() {
  const spans: Span[] = [];
  const server = createServer(async (request, response) => {
    spans.push(...((await json(request)) as Span[]));
    response.writeHead(202).end();
  });
  const port = await listen(server);
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { spans, endpoint: `http://127.0.0.1:${port}/api/v2/spans`, close };
}

/** Groups spans by trace. */
export function tracesIn(spans: Span[]): Span[][] {
  return [...Map.groupBy(spans, ({ traceId }) => traceId).values()];
}

/** Writes a trace as a tree: each span under the one that caused it. */
export function draw(trace: Span[], parentId?: string, indent = ''): string[] {
  const children = trace.filter((span) => span.parentId === parentId);
  return children.flatMap((span) => {
    const ms = Math.round(span.duration / 1_000);
    const line = `${indent}${span.localEndpoint.serviceName}: ${span.name}, ${ms} ms`;
    return [line, ...draw(trace, span.id, `${indent}  `)];
  });
}
