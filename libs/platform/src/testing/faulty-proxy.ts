import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

export type FaultyProxy = Awaited<ReturnType<typeof faultyProxy>>;

/** A fault of the connection between a client and a server. */
type Fault =
  | 'none'
  /** Nothing that is sent arrives. */
  | 'black hole'
  /** The connection is reset when the server responds. */
  | 'reset'
  /** Each response is delayed by 2 s. */
  | 'slow'
  /** Connections are refused. */
  | 'unreachable';

/**
 * Starts a TCP proxy in front of a server. A test sets the fault of its connections.
 *
 * @param target `host:port` of the server
 */
export async function faultyProxy(target: string) {
  const [host = '', targetPort = ''] = target.split(':');
  const to = { host, port: Number(targetPort) };
  let fault: Fault = 'none';
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(to);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    }
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
    client.on('data', (chunk) => fault !== 'black hole' && upstream.write(chunk));
    upstream.on('data', (chunk) => respond(client, chunk));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  async function respond(client: Socket, chunk: Buffer | string): Promise<void> {
    if (fault === 'black hole') return;
    if (fault === 'reset') return void client.resetAndDestroy();
    if (fault === 'slow') await wait(2_000, undefined, { ref: false });
    client.write(chunk);
  }
  const stop = async () => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    address: `127.0.0.1:${port}`,
    async set(next: Fault) {
      // The data that was lost cannot be sent again, so the connection is useless.
      if (fault === 'black hole') for (const socket of sockets) socket.resetAndDestroy();
      if (fault !== 'unreachable' && next === 'unreachable') await stop();
      if (fault === 'unreachable' && next !== 'unreachable')
        await once(server.listen(port, '127.0.0.1'), 'listening');
      fault = next;
    },
    close: async () => {
      if (fault !== 'unreachable') await stop();
    },
  };
}
