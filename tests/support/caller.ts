import { connect, type Socket } from 'node:net';

/** `status` is 0 if there was no response: a connection error, or the caller stopped waiting. */
type Answered = (status: number, now: number) => void;

/**
 * A client connection that sends one request at a time. It uses little CPU, because the load shares the machine with the
 * server. Each response must fit in one packet.
 */
export class Caller {
  readonly #socket: Socket;
  /** Resolves even if the connection fails; the first request then gets status 0. */
  readonly connected: Promise<unknown>;
  dueAt = 0;
  #answered: Answered | undefined;

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.connected = new Promise((resolve) => this.#socket.once('connect', resolve).once('close', resolve));
    this.#socket.on('data', (answer) => this.#end(Number(answer.toString('latin1', 9, 12))));
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => this.#end(0));
  }

  /** False if the server has closed the connection, as servers do with idle ones. */
  get isOpen(): boolean {
    return this.#socket.readyState === 'open';
  }

  ask(request: string, dueAt: number, answered: Answered): void {
    this.dueAt = dueAt;
    this.#answered = answered;
    this.#socket.write(request);
  }

  giveUp(): void {
    this.#socket.destroy();
    this.#end(0);
  }

  #end(status: number): void {
    const answered = this.#answered;
    this.#answered = undefined;
    answered?.(status, performance.now());
  }
}

/** Removes an idle connection that is still open from the list and returns it, if there is one. */
export function takeIdle(idle: Caller[]): Caller | undefined {
  for (let caller = idle.pop(); caller; caller = idle.pop()) if (caller.isOpen) return caller;
  return undefined;
}

/** Opens connections before the load begins, as a load balancer does. Opens a few at a time, so that the server can accept them. */
export async function openCallers(port: number, count: number): Promise<Caller[]> {
  const open: Caller[] = [];
  while (open.length < count) {
    const some = Array.from({ length: 50 }, () => new Caller(port));
    await Promise.all(some.map((caller) => caller.connected));
    open.push(...some);
  }
  return open;
}
