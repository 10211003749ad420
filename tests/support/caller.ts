import { connect, type Socket } from 'node:net';

/** `status` is 0 when there was no answer: the connection broke, or the caller gave up. */
type Answered = (status: number, now: number) => void;

/**
 * A client's connection with one request at a time, as cheap as can be: for loads that share the machine with the
 * server. Answers must fit in one packet.
 */
export class Caller {
  readonly #socket: Socket;
  /** Resolves also if it fails: then it is lost when it is used. */
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

  /** False when the server has closed it, as servers do with connections that nobody uses. */
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

/** Takes out a connection that is free and still open, if there is one. */
export function takeIdle(idle: Caller[]): Caller | undefined {
  for (let caller = idle.pop(); caller; caller = idle.pop()) if (caller.isOpen) return caller;
  return undefined;
}

/** Opens connections before there is a load, as a load balancer keeps them; a few at a time, as a server accepts them. */
export async function openCallers(port: number, count: number): Promise<Caller[]> {
  const open: Caller[] = [];
  while (open.length < count) {
    const some = Array.from({ length: 50 }, () => new Caller(port));
    await Promise.all(some.map((caller) => caller.connected));
    open.push(...some);
  }
  return open;
}
