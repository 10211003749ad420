import { Type } from '@slipway/contract-kit/type';
import { emailPattern } from '@slipway/contracts/users';
import { jobSettings } from '@slipway/platform/jobs/settings';
import { platformSettings, Secret, ServiceUrl } from '@slipway/platform/service/settings';
import type { Static } from 'typebox';

/** The settings of the users service. */
export const settings = Type.Object({
  ...platformSettings.properties,
  ...jobSettings.properties,
  STORE_URL: Type.String({
    default: 'sqlite:data/users.db',
    pattern: '^(sqlite:|mongodb([+]srv)?://).',
    description: 'Where accounts are stored: sqlite:<path>, sqlite::memory: or mongodb://<host>/<database>',
  }),
  REPORTING_URL: ServiceUrl({
    default: 'http://127.0.0.1:4003',
    description: 'Address of the reporting service, which receives the events of sign-ups and deletions',
  }),
  SERVICE_TOKEN: Secret({ description: 'The secret that services send to each other' }),
  TRUSTED_PROXIES: Type.String({
    default: 'loopback',
    description:
      'Proxies whose X-Forwarded-For is trusted: addresses, CIDR ranges, loopback, linklocal or uniquelocal, comma-separated',
  }),
  ADMIN_EMAIL: Type.Optional(
    Secret({
      minLength: 3,
      pattern: emailPattern,
      description: 'E-mail address of the first administrator, who is created at start if there is none',
    }),
  ),
  ADMIN_PASSWORD: Type.Optional(
    Secret({ minLength: 10, description: 'Password of the first administrator' }),
  ),
});

export type Settings = Static<typeof settings>;
