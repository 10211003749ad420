import type { ServiceState, System } from '@slipway/contracts/gateway';
import { uncheckedSchemas } from '@slipway/platform/http/validation';
import type { Lifecycle } from '@slipway/platform/service/lifecycle';
import { Ajv } from 'ajv';
import Type, { type Static } from 'typebox';

/** The response of a service's management port at /status. */
const Status = Type.Object({
  version: Type.String(),
  state: Type.Enum(['starting', 'ready', 'draining', 'closing', 'stopped']),
  ready: Type.Boolean(),
  upSeconds: Type.Integer({ minimum: 0 }),
  notices: Type.Optional(Type.Array(Type.String())),
  dependencies: Type.Array(Type.Object({ name: Type.String(), up: Type.Boolean() })),
});

const isStatus = new Ajv(uncheckedSchemas).compile<Static<typeof Status>>(Status);

/** Maximum response time of a service; milliseconds. */
const timeoutMs = 1_000;
/** How long the state is cached, so that the services get one request whatever the number of readers; milliseconds. */
const cacheMs = 1_000;

export type SystemOptions = {
  /** The gateway itself. */
  own: { name: string; version: string; lifecycle: Lifecycle };
  /** Address of each service's /status, by the service's name. */
  statusUrls: Record<string, string>;
  /** Returns the milliseconds since the process started. */
  now?: () => number;
};

/** Makes the function that returns the state of all services. It requests them in parallel. */
export function createSystem({ own, statusUrls, now = () => performance.now() }: SystemOptions) {
  let cached: { at: number; system: Promise<System> } | undefined;

  async function load(): Promise<System> {
    const others = Object.entries(statusUrls).map(([name, url]) => stateOf(name, url));
    const services = [ownState(own, now()), ...(await Promise.all(others))];
    return {
      ready: services.every(({ state }) => state === 'ready'),
      checkedAt: new Date().toISOString(),
      services,
    };
  }

  return (): Promise<System> => {
    if (!cached || now() - cached.at >= cacheMs) cached = { at: now(), system: load() };
    return cached.system;
  };
}

function ownState({ name, version, lifecycle }: SystemOptions['own'], now: number): ServiceState {
  return { name, state: lifecycle.state, version, upSeconds: Math.floor(now / 1000), down: [] };
}

async function stateOf(name: string, url: string): Promise<ServiceState> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    const status: unknown = await response.json();
    if (!isStatus(status)) return unreachable(name);
    const { version, state, ready, upSeconds, notices = [], dependencies } = status;
    const down = dependencies.filter(({ up }) => !up).map((dependency) => dependency.name);
    const shown = state === 'ready' && !ready ? 'unready' : state;
    return { name, state: shown, version, upSeconds, down, ...(notices.length > 0 && { notices }) };
  } catch {
    return unreachable(name);
  }
}

const unreachable = (name: string): ServiceState => ({ name, state: 'unreachable', down: [] });
