import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as Zipkin's API v2 takes it; times in microseconds. */
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

/** Takes spans where Zipkin does, and keeps them. */
export async function startZipkin() {
  const spans: ZipkinSpan[] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    spans.push(...JSON.parse(Buffer.concat(parts).toString()));
    response.writeHead(202).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    spans,
    server,
    endpoint: `http://127.0.0.1:${port}/api/v2/spans`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Spans of a trace whose parent is not among them: a tree has one, its root, and that has no parent. */
export function orphansIn(spans: ZipkinSpan[]): ZipkinSpan[] {
  const ids = new Set(spans.map(({ traceId, id }) => traceId + id));
  return spans.filter(({ traceId, parentId }) => parentId !== undefined && !ids.has(traceId + parentId));
}
