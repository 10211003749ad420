import { operations, type ServiceName } from '@slipway/contracts/operations';

/** A service that the gateway forwards to: every service that has a contract, except the gateway itself. */
export type UpstreamName = Exclude<ServiceName, 'gateway'>;

export const upstreamNames = Object.keys(operations).filter(
  (name): name is UpstreamName => name !== 'gateway',
);

/**
 * Makes one value for each service that the gateway forwards to.
 *
 * @example
 * forUpstreams((name) => settings[urlOf(name)]).billing; // 'http://127.0.0.1:4002'
 */
export function forUpstreams<Value>(make: (name: UpstreamName, index: number) => Value) {
  const entries = upstreamNames.map((name, index) => [name, make(name, index)]);
  return Object.fromEntries(entries) as Record<UpstreamName, Value>;
}

/** Returns the name of the setting with the address of a service. */
export const urlOf = <Name extends UpstreamName>(name: Name) => `${upper(name)}_URL` as const;

/** Returns the name of the setting with the address of a service's readiness endpoint. */
export const statusUrlOf = <Name extends UpstreamName>(name: Name) => `${upper(name)}_STATUS_URL` as const;

const upper = <Name extends string>(name: Name) => name.toUpperCase() as Uppercase<Name>;
