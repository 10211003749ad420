import { randomUUID } from 'node:crypto';
import { docker } from '../support/docker.ts';
import { eventually } from '../support/people.ts';
import { freePort } from '../support/ports.ts';

/** The fields of `docker inspect` that are used here. */
export type Container = {
  Id: string;
  Name: string;
  State: { Status: string; ExitCode: number };
  Config: { Env: string[] | null; Labels: Record<string, string> };
  HostConfig: {
    ReadonlyRootfs: boolean;
    CapDrop: string[] | null;
    SecurityOpt: string[] | null;
    Memory: number;
    NanoCpus: number;
    PortBindings: Record<string, { HostIp: string }[]>;
  };
};

export const serviceOf = ({ Config }: Container) => Config.Labels['com.docker.compose.service'] ?? '';

/** docker-compose.yml under a project name and on ports of its own. */
export type ComposeSystem = {
  /** Where its pages are. */
  urls: Record<'gateway' | 'zipkin' | 'prometheus' | 'alertmanager' | 'grafana', string>;
  /** The settings that select this system for `docker compose`. */
  env: Record<string, string>;
  compose(...args: string[]): Promise<string>;
  /** The containers of a service, or all, also those that have ended. */
  containers(service?: string): Promise<Container[]>;
  /**
   * Starts services with those that they need, by default everything. Resolves when the gateway finds every service ready,
   * with the milliseconds that it took.
   */
  up(...services: string[]): Promise<number>;
  /** Removes everything, with its data. */
  remove(): Promise<void>;
};

/** Says how to reach a system that is not there yet: that of the repository, or that of a copy of it. */
export async function composeSystem({
  folder,
  tag = 'compose-test',
}: {
  folder?: string;
  tag?: string;
} = {}): Promise<ComposeSystem> {
  const names = ['gateway', 'zipkin', 'prometheus', 'alertmanager', 'grafana'] as const;
  const ports = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await freePort()])));
  const settings = names.map((name) => [`${name.toUpperCase()}_PORT`, String(ports[name])]);
  const project = `slipway-test-${randomUUID().slice(0, 8)}`;
  const env = {
    ...Object.fromEntries(settings),
    IMAGE_TAG: tag,
    COMPOSE_PROJECT_NAME: project,
    BILLING_TEST_CLOCK: 'true',
    // All its callers have one address.
    RATE_LIMIT: '1000000',
    RATE_LIMIT_SIGN_IN: '1000000',
  };
  const urls = Object.fromEntries(names.map((name) => [name, `http://localhost:${ports[name]}`]));
  const compose = (...args: string[]) => docker(['compose', ...args], env, folder);
  return {
    urls: urls as ComposeSystem['urls'],
    env,
    compose,
    async containers(service) {
      const ids = await compose('ps', '--all', '--quiet', ...(service ? [service] : []));
      return JSON.parse(await docker(['inspect', ...ids.split('\n')]));
    },
    async up(...services) {
      const startedAt = performance.now();
      await compose('up', '--detach', ...services);
      await eventually('all services are ready', () => isReady(`${urls.gateway}`), 120_000);
      return performance.now() - startedAt;
    },
    async remove() {
      await compose('down', '--volumes', '--remove-orphans', '--timeout', '5');
    },
  };
}

async function isReady(gateway: string): Promise<boolean> {
  const answer = await fetch(`${gateway}/api/v1/system`).catch(() => undefined);
  return answer?.ok === true && ((await answer.json()) as { ready: boolean }).ready;
}

/** Reads JSON from one of the system's pages; `undefined` while it does not answer. */
// biome-ignore lint/suspicious/noExplicitAny: what others answer is checked by the tests' expectations.
export async function readJson(url: string): Promise<any> {
  const answer = await fetch(url).catch(() => undefined);
  return answer?.ok ? answer.json() : undefined;
}
