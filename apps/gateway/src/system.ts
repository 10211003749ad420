import type { ServiceState, System } from '@slipway/contracts/gateway';
import type { Lifecycle } from '@slipway/platform/service/lifecycle';
import { Ajv } from 'ajv';
import Type, { type Static } from 'typebox';

/** What a service's management port says at /status. */
const Status = Type.Object({
  version: Type.String(),
  state: Type.Enum(['starting', 'ready', 'draining', 'closing', 'stopped']),
  ready: Type.Boolean(),
  upSeconds: Type.Integer({ minimum: 0 }),
  dependencies: Type.Array(Type.Object({ name: Type.String(), up: Type.Boolean() })),
});

const isStatus = new Ajv().compile<Static<typeof Status>>(Status);

/** How long a service may take to tell its state; milliseconds. */
const patience = 1_000;
/** How long an answer is repeated, so that many onlookers cost the services one question; milliseconds. */
const repeated = 1_000;

export type SystemOptions = {
  /** The gateway itself. */
  own: { name: string; version: string; lifecycle: Lifecycle };
  /** Where each service tells its state, by its name. */
  statusUrls: Record<string, string>;
  /** Milliseconds since the process began. */
  now?: () => number;
};

/** Makes the function that asks all services at once how they are. */
export function createSystem({ own, statusUrls, now = () => performance.now() }: SystemOptions) {
  let last: { at: number; answer: Promise<System> } | undefined;

  async function ask(): Promise<System> {
    const others = Object.entries(statusUrls).map(([name, url]) => stateOf(name, url));
    const services = [ownState(own, now()), ...(await Promise.all(others))];
    return {
      ready: services.every(({ state }) => state === 'ready'),
      checkedAt: new Date().toISOString(),
      services,
    };
  }

  return (): Promise<System> => {
    if (!last || now() - last.at >= repeated) last = { at: now(), answer: ask() };
    return last.answer;
  };
}

function ownState({ name, version, lifecycle }: SystemOptions['own'], now: number): ServiceState {
  return { name, state: lifecycle.state, version, upSeconds: Math.floor(now / 1000), down: [] };
}

async function stateOf(name: string, url: string): Promise<ServiceState> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(patience) });
    const status: unknown = await answer.json();
    if (!isStatus(status)) return away(name);
    const { version, state, ready, upSeconds, dependencies } = status;
    const down = dependencies.filter(({ up }) => !up).map((dependency) => dependency.name);
    return { name, state: state === 'ready' && !ready ? 'unready' : state, version, upSeconds, down };
  } catch {
    return away(name);
  }
}

const away = (name: string): ServiceState => ({ name, state: 'away', down: [] });
