import { Type } from '@slipway/contract-kit/type';
import { jobSettings } from '@slipway/platform/jobs/settings';
import { platformSettings, Secret, ServiceUrl } from '@slipway/platform/service/settings';
import type { Static } from 'typebox';

/** The settings of the reporting service. */
export const settings = Type.Object({
  ...platformSettings.properties,
  ...jobSettings.properties,
  STORE_URL: Type.String({
    default: 'sqlite:data/reporting.db',
    pattern: '^(sqlite:|datastore://).',
    description:
      'Where events and figures are stored: sqlite:<path>, sqlite::memory: or datastore://<project>[/<namespace>]',
  }),
  ANALYTICS_FOLDER: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        'Folder that all events are exported to, for questions about them; if it is not set, there is no export',
    }),
  ),
  ANALYTICS_MEMORY: Type.String({
    default: '128MB',
    pattern: '^[1-9][0-9]*(MB|GB)$',
    description:
      'Maximum memory for the data of an export or of a question, beside that of the service: such as 128MB or 2GB',
  }),
  SERVICE_TOKEN: Secret({ description: 'The secret that services send to each other' }),
  USERS_URL: ServiceUrl({
    default: 'http://127.0.0.1:4001',
    description: 'Address of the users service, which publishes the keys of access tokens',
  }),
});
export type Settings = Static<typeof settings>;
