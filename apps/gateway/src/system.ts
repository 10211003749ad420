import type { Experiment } from '@slipway/contract-kit/experiment';
import type { ServiceState, System } from '@slipway/contracts/gateway';
import type { Status } from '@slipway/platform/service/status';
import type { Replicas, ServiceReading } from './replicas.ts';

/**
 * How long a reading is cached, so that the services get one request whatever the number of readers; milliseconds. It is
 * a little less than the second between two readings of the stream, whose timer may be early.
 */
const cacheMs = 900;

export type SystemOptions = {
  /** The gateway itself. */
  own: { name: string; status: () => Promise<Status> };
  replicas: Replicas[];
  /** Returns the milliseconds since the process started. */
  now?: () => number;
};

/** Makes the function that reads all replicas of all services, the gateway first. */
export function createReading({ own, replicas, now = () => performance.now() }: SystemOptions) {
  let cached: { at: number; services: Promise<ServiceReading[]> } | undefined;

  async function ownReading(): Promise<ServiceReading> {
    return { name: own.name, replicas: [{ origin: 'own', status: await own.status() }] };
  }

  return (): Promise<ServiceReading[]> => {
    if (!cached || now() - cached.at >= cacheMs) {
      const services = Promise.all([ownReading(), ...replicas.map((each) => each.read())]);
      cached = { at: now(), services };
    }
    return cached.services;
  };
}

/** Describes the system by one line for each service: the state of its best replica. */
export function describeReadings(readings: ServiceReading[]): Omit<System, 'allowsExperiments'> {
  const services = readings.map(stateOf);
  return {
    ready: services.every(({ state }) => state === 'ready'),
    checkedAt: new Date().toISOString(),
    services,
  };
}

/** Best first. */
const order = ['ready', 'unready', 'starting', 'draining', 'closing', 'stopped'] as const;

function stateOf({ name, replicas }: ServiceReading): ServiceState {
  const statuses = replicas.flatMap(({ status }) => status ?? []);
  const [best] = statuses.toSorted((a, b) => order.indexOf(shownState(a)) - order.indexOf(shownState(b)));
  if (!best) return { name, state: 'unreachable', down: [] };
  const { version, upSeconds } = best;
  const notices = noticesOf(statuses);
  const experiment = statuses.find(({ activity }) => activity?.experiment)?.activity?.experiment;
  return {
    ...{ name, state: shownState(best), version, upSeconds, down: downOf(best) },
    ...(notices.length > 0 && { notices }),
    ...(experiment && { experiment: experiment as Experiment }),
  };
}

/** Returns the state of a process, which is `unready` if it runs and a dependency is down. */
export const shownState = ({ state, ready }: Status) => (state === 'ready' && !ready ? 'unready' : state);

export const downOf = ({ dependencies }: Status) =>
  dependencies.filter(({ up }) => !up).map(({ name }) => name);

export const noticesOf = (statuses: Status[]) => [
  ...new Set(statuses.flatMap(({ notices = [] }) => notices)),
];
