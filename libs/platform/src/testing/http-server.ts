import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, Server, Socket } from 'node:net';

/** A server that listens, its open connections, and `stop`, which closes it together with them. */
export type Listening<S extends Server = Server> = {
  server: S;
  origin: string;
  sockets: Set<Socket>;
  stop(): Promise<void>;
};

/** Starts an HTTP server on a free port of this machine. */
export function startServer(listener: RequestListener) {
  return listen(createServer(listener));
}

/**
 * Starts any kind of server on this machine.
 *
 * @param port a free one by default
 */
export async function listen<S extends Server>(server: S, port = 0): Promise<Listening<S>> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await once(server.listen(port, '127.0.0.1'), 'listening');
  const address = server.address() as AddressInfo;
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  return { server, origin: `http://127.0.0.1:${address.port}`, sockets, stop };
}
