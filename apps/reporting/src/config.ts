import { platformSettings, Secret, ServiceUrl } from '@slipway/platform/service/settings';
import Type, { type Static } from 'typebox';

/** The settings of the reporting service. */
export const settings = Type.Object({
  ...platformSettings.properties,
  STORE_URL: Type.String({
    default: 'sqlite:data/reporting.db',
    pattern: '^(sqlite:|datastore://).',
    description:
      'Where events and figures are stored: sqlite:<path>, sqlite::memory: or datastore://<project>[/<namespace>]',
  }),
  SERVICE_TOKEN: Secret({ description: 'The secret that services send to each other' }),
  JOB_TOKEN: Type.Optional(
    Secret({
      pattern: '^\\S+$',
      description: 'The secret of the job that rebuilds the figures; without it, only administrators can',
    }),
  ),
  USERS_URL: ServiceUrl({
    default: 'http://127.0.0.1:4001',
    description: 'Address of the users service, which publishes the keys of access tokens',
  }),
});
export type Settings = Static<typeof settings>;
