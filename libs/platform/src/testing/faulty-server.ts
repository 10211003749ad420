import { createServer, type RequestListener } from 'node:http';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { type Listening, listen } from './http-server.ts';

/** A server that counts what reaches it, and stops at the end of the test. */
export type TestServer = Listening & { hits: number };

/** Serves HTTP with `listener`. A hit is a request. */
export async function serve(listener: RequestListener, port = 0): Promise<TestServer> {
  const http = createServer((request, response) => {
    server.hits += 1;
    listener(request, response);
  });
  const server = await testServer(http, port);
  return server;
}

/** Passes each connection to `onSocket`, which may respond with anything. A hit is a connection that sent data. */
export async function serveRaw(onSocket: (socket: Socket) => void): Promise<TestServer> {
  const tcp = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      server.hits += 1;
      onSocket(socket);
    });
  });
  const server = await testServer(tcp, 0);
  return server;
}

/** Accepts connections and never responds. */
export const hang = () => serveRaw(() => undefined);

/** Responds to each request with the same status, headers and body. */
export const answering = (status: number, headers: Record<string, string> = {}, body = '') =>
  serve((request, response) => {
    request.resume();
    response.writeHead(status, headers).end(body);
  });

/** Returns the origin of a port that refuses connections. */
export async function refusing(): Promise<string> {
  const server = await serveRaw(() => undefined);
  await server.stop();
  return server.origin;
}

async function testServer(listener: Server, port: number): Promise<TestServer> {
  const server = await listen(listener, port);
  onTestFinished(server.stop);
  return { ...server, hits: 0 };
}
