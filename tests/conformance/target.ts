import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { usageOf } from '../bench/process-usage.ts';
import { type Answer, exchange, type Options } from '../support/request.ts';
import type { Need } from './needs.ts';
import { launch, launchServing, type Started } from './process.ts';
import { type Ask, type Command, type Description, probesOf } from './service.ts';

/** Addresses of a service that runs already. */
export type Addresses = { base: string; management?: string };

/** A service whose promises are checked: one that runs already, or one that the suite starts and stops. */
export class Target {
  readonly description: Description;
  readonly base: string;
  readonly probes: ReturnType<typeof probesOf>;
  readonly #management: string | undefined;
  readonly #isOurs: boolean;
  readonly #started: Started[] = [];
  /** Whether the suite may send more than the service can answer. */
  mayLoad = false;

  constructor(description: Description, { base, management }: Addresses, started?: Started) {
    this.description = description;
    this.base = base;
    this.probes = probesOf(description);
    this.#management = management;
    this.#isOurs = started !== undefined;
    if (started) this.#started.push(started);
  }

  has(need: Need): boolean {
    const { command } = this.description;
    if (need === 'load') return this.mayLoad;
    if (need === 'management') return this.#management !== undefined;
    if (need === 'command') return this.#isOurs;
    if (need === 'wrong' || need === 'isolated' || need === 'traced') return command?.[need] !== undefined;
    return this.description[need] !== undefined;
  }

  get management(): string {
    if (!this.#management) throw new Error('There is no management address');
    return this.#management;
  }

  get command(): Command {
    const { command, name } = this.description;
    if (!command) throw new Error(`The description of ${name} has no command`);
    return command;
  }

  /** Sends a described request; `options` override parts of it. */
  send({ method, path, headers, body }: Ask, options: Options = {}): Promise<Answer> {
    const json = body && { 'content-type': 'application/json' };
    return exchange(this.base + path, {
      method,
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
      ...options,
      headers: { ...json, ...keyOf(headers), ...options.headers },
    });
  }

  /** Sends a GET to the management address. */
  probe(path: string): Promise<Answer> {
    return exchange(this.management + path, { signal: AbortSignal.timeout(10_000) });
  }

  /** Starts another process of the service, and resolves when it serves. Closing this target kills it. */
  async start(extra?: Record<string, string>): Promise<Target> {
    const started = await launchServing(this.description, this.command, extra);
    this.#started.push(started);
    return new Target(this.description, started, started);
  }

  /** Starts a process that may end before it serves. */
  async startAndEnd(extra: Record<string, string>): Started['exited'] {
    const started = await launch(this.command, extra);
    this.#started.push(started);
    return started.exited;
  }

  /** The process of a target that the suite has started. */
  get process(): Started {
    const [started] = this.#started;
    if (!started) throw new Error('The suite has not started this service');
    return started;
  }

  /** CPU time that the service has used; milliseconds. Undefined if the suite cannot read it. */
  get cpuMs(): number | undefined {
    const pid = this.#started[0]?.pid;
    return pid !== undefined && existsSync(`/proc/${pid}`) ? usageOf(pid).cpuMs : undefined;
  }

  async close(): Promise<void> {
    for (const { kill } of this.#started) kill('SIGKILL');
    await Promise.all(this.#started.map(({ exited }) => exited));
  }
}

/** Starts the service of a description as a process of its own. */
export async function startTarget(description: Description): Promise<Target> {
  const { command, name } = description;
  if (!command)
    throw new Error(`The description of ${name} has no command; give the address of a running one`);
  const started = await launchServing(description, command);
  return new Target(description, started, started);
}

/** Replaces the idempotency key of a description by a new one, so that a request takes effect each time. */
function keyOf(headers: Record<string, string> = {}): Record<string, string> {
  return 'idempotency-key' in headers ? { ...headers, 'idempotency-key': randomUUID() } : headers;
}
