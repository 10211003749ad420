import { json } from 'node:stream/consumers';
import { startServer } from './http-server.ts';

/** A span in the format of Zipkin's API v2; times in microseconds. */
export type ZipkinSpan = {
  traceId: string;
  parentId?: string;
  id: string;
  name: string;
  kind?: string;
  timestamp: number;
  duration: number;
  localEndpoint: { serviceName: string };
  remoteEndpoint?: { serviceName: string };
  tags: Record<string, string>;
};

/** Starts a server that collects spans as Zipkin does. Like Zipkin, it rejects a batch with fractional microseconds. */
export async function startZipkin() {
  const spans: ZipkinSpan[] = [];
  const { server, origin, stop } = await startServer(async (request, response) => {
    const batch = (await json(request)) as ZipkinSpan[];
    const isValid = batch.every((span) => [span.timestamp, span.duration].every(Number.isInteger));
    if (isValid) spans.push(...batch);
    response.writeHead(isValid ? 202 : 400).end();
  });
  return { spans, server, endpoint: `${origin}/api/v2/spans`, stop };
}

/** Returns the spans whose parent is missing. In a complete tree only the root has no parent. */
export function orphansIn(spans: ZipkinSpan[]): ZipkinSpan[] {
  const ids = new Set(spans.map(({ traceId, id }) => traceId + id));
  return spans.filter(({ traceId, parentId }) => parentId !== undefined && !ids.has(traceId + parentId));
}
