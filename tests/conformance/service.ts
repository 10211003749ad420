/** The description of a service: what the suite must know to check the service's promises. */

/** A request. `path` begins with a slash; an object as `body` is sent as JSON. */
export type Ask = {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: object;
};

/** How the suite starts the service as a process of its own, on free ports. */
export type Command = {
  /** The program and its arguments, run in the root folder of this repository. */
  run: string[];
  /** Environment variables, in addition to those that the suite itself has. */
  settings: Record<string, string>;
  /** The variables that take the two ports. */
  port: string;
  managementPort?: string;
  /** Milliseconds after SIGTERM for which the settings above let the service accept new requests. */
  drainDelay: number;
  /** Settings that are each wrong, by name. */
  wrong?: Record<string, string>;
  /** Settings with which every other service is unreachable. */
  isolated?: Record<string, string>;
  /** Settings that send every span to a Zipkin collector. */
  traced?: (endpoint: string) => Record<string, string>;
};

export type Description = {
  name: string;
  /** Paths on the management address; the defaults are those of Slipway. */
  probes?: Partial<Probes>;
  /** The header that names a request in logs; `x-correlation-id` by default. */
  correlationHeader?: string;
  /** A GET that returns 200, of a route without parameters. Its path must not accept a PUT. */
  read: Ask;
  /** A request that takes a JSON object as its body and succeeds, however often it is sent. */
  write?: Ask;
  /** A request that needs a token, described without one. */
  guarded?: Ask;
  /** A request that takes an `Idempotency-Key`, which the suite sets, and another body for it. */
  idempotent?: Ask & { otherBody: object };
  command?: Command;
};

type Probes = { alive: string; started: string; ready: string; metrics: string };

const defaultProbes: Probes = {
  alive: '/health',
  started: '/started',
  ready: '/status',
  metrics: '/metrics',
};

/** Returns the paths of a service's probes. */
export function probesOf({ probes }: Description): Probes {
  return { ...defaultProbes, ...probes };
}
