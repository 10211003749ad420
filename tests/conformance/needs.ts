/** The things that a promise can need of a target, each with the reason that a report gives if it is missing. */
export const needs = {
  load: 'it would load the machine; add --load',
  command: 'the service was not started here, so it gets no signals and settings',
  management: 'no management address',
  write: 'no request with a body is described',
  guarded: 'no request that needs a token is described',
  idempotent: 'no request that declares idempotency is described',
  wrong: 'no wrong settings are described',
  isolated: 'no settings without other services are described',
  traced: 'no settings for a collector are described',
} as const;

export type Need = keyof typeof needs;
