import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A real server on a free port that counts what reaches it and is gone after the test. */
export type TestServer = { origin: string; hits: number; sockets: Set<Socket>; stop(): Promise<void> };

/** Serves HTTP by `listener`. */
export async function serve(listener: RequestListener, port = 0): Promise<TestServer> {
  const http = createServer((request, response) => {
    server.hits += 1;
    listener(request, response);
  });
  const server = await open(http, port);
  return server;
}

/** Hands every connection to `onSocket`, which may answer with anything; a hit is a chunk that arrived. */
export async function serveRaw(onSocket: (socket: Socket) => void): Promise<TestServer> {
  const tcp = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      server.hits += 1;
      onSocket(socket);
    });
  });
  const server = await open(tcp, 0);
  return server;
}

/** Takes connections and never answers. */
export const hang = () => serveRaw(() => undefined);

/** Answers each request with a status, headers and a body. */
export const answering = (status: number, headers: Record<string, string> = {}, body = '') =>
  serve((request, response) => {
    request.resume();
    response.writeHead(status, headers).end(body);
  });

/** The address of a port that nothing listens on. */
export async function refusing(): Promise<string> {
  const server = await serveRaw(() => undefined);
  await server.stop();
  return server.origin;
}

async function open(listener: Server, port: number): Promise<TestServer> {
  const sockets = new Set<Socket>();
  listener.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => listener.listen(port, '127.0.0.1', resolve));
  const stop = () =>
    new Promise<void>((resolve) => {
      listener.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  onTestFinished(stop);
  return {
    origin: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    hits: 0,
    sockets,
    stop,
  };
}
