import { connect, createServer, type Socket } from 'node:net';
import { listen } from './ports.ts';

/** One address in front of several replicas, as a Service of Kubernetes is. */
export type LocalService = {
  port: number;
  add(port: number): void;
  /** Sends no new connection to this port; open connections stay open. */
  remove(port: number): void;
  close(): void;
};

/**
 * Opens a Service on this machine. Like kube-proxy, it knows nothing of HTTP: each new connection goes to the next
 * replica and stays there. If nobody listens at a replica's port, the client's connection is closed.
 */
export async function openService(): Promise<LocalService> {
  let endpoints: number[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const endpoint = endpoints.shift();
    if (endpoint === undefined) return client.destroy();
    endpoints.push(endpoint);
    join(client, connect(endpoint, '127.0.0.1'), sockets);
  });
  const port = await listen(server);
  return {
    port,
    add: (endpoint) => void endpoints.push(endpoint),
    remove(endpoint) {
      endpoints = endpoints.filter((each) => each !== endpoint);
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Passes bytes in both directions, and the end of one side to the other. */
function join(client: Socket, replica: Socket, sockets: Set<Socket>): void {
  for (const [socket, other] of [
    [client, replica],
    [replica, client],
  ] as const) {
    sockets.add(socket);
    socket.pipe(other);
    socket.on('error', () => other.destroy());
    socket.once('close', () => {
      sockets.delete(socket);
      other.destroy();
    });
  }
}
