import { platformSettings, Secret, ServiceUrl } from '@slipway/platform/service/settings';
import Type, { type Static } from 'typebox';

export const settings = Type.Object({
  ...platformSettings.properties,
  STORE_URL: Type.String({
    default: 'sqlite:data/reporting.db',
    pattern: '^(sqlite:|datastore://).',
    description: 'Where events and figures are kept: sqlite:<path> or datastore://<project>[/<namespace>]',
  }),
  SERVICE_TOKEN: Secret({ description: 'What other services present when they deliver events' }),
  USERS_URL: ServiceUrl({
    default: 'http://127.0.0.1:4001',
    description: 'Address of users, whose published keys check access tokens',
  }),
});
export type Settings = Static<typeof settings>;
