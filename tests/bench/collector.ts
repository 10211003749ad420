import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Takes spans as Zipkin does, and counts them by the path that they are sent to. */
export async function startCollector() {
  const spans = new Map<string, number>();
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    response.writeHead(202).end();
    const path = request.url ?? '';
    const taken: unknown[] = JSON.parse(Buffer.concat(parts).toString());
    spans.set(path, (spans.get(path) ?? 0) + taken.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { endpoint: `http://127.0.0.1:${port}`, spans, close: () => server.close() };
}
