import { Secret, ServiceUrl } from '@slipway/platform/service/settings';
import Type, { type Static } from 'typebox';

/** The settings of a job. */
export const settings = Type.Object({
  BILLING_URL: ServiceUrl({
    default: 'http://127.0.0.1:4002',
    description: 'Address of the billing service, which the billing cycle calls',
  }),
  REPORTING_URL: ServiceUrl({
    default: 'http://127.0.0.1:4003',
    description: 'Address of the reporting service, which the rebuild calls',
  }),
  JOB_TOKEN: Secret({
    pattern: '^\\S+$',
    description: 'The secret that this job and the service which it calls have',
  }),
});
export type Settings = Static<typeof settings>;
