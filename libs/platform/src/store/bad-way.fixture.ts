import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type BadWay = {
  /** `host:port` of its beginning */
  address: string;
  /** Resets the connections there are, and refuses new ones. */
  cut(): Promise<void>;
  /** Takes what is sent and passes nothing on, in either direction. */
  hold(): void;
  heal(): Promise<void>;
  close(): Promise<void>;
};

/** A way to a server that can be made bad. */
export async function wayTo(target: string): Promise<BadWay> {
  const [host = '', port = ''] = target.split(':');
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), host);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      if (held) from.on('data', () => undefined);
      else from.pipe(to);
    }
  });
  let held = false;
  const listen = async (at: number) => {
    server.listen(at, '127.0.0.1');
    await once(server, 'listening');
  };
  const reset = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  await listen(0);
  const own = (server.address() as AddressInfo).port;
  const stop = async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    reset();
    await closed;
  };

  return {
    address: `127.0.0.1:${own}`,
    cut: stop,
    hold() {
      held = true;
      for (const socket of sockets) socket.unpipe().on('data', () => undefined);
    },
    async heal() {
      held = false;
      reset(); // what was swallowed meanwhile cannot be brought back
      if (!server.listening) await listen(own);
    },
    close: stop,
  };
}
