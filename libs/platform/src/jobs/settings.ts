import { Type } from '@slipway/contract-kit/type';

/** The settings of a service that has jobs. */
export const jobSettings = Type.Object({
  JOB_LEASE_MS: Type.Integer({
    default: 15_000,
    minimum: 300,
    maximum: 600_000,
    description:
      'How long the replica that runs a job may be silent before another one takes the job over; milliseconds',
  }),
});
