import { Type } from '@slipway/contract-kit/type';
import { jobSettings } from '@slipway/platform/jobs/settings';
import { platformSettings, Secret, ServiceUrl } from '@slipway/platform/service/settings';
import type { Static } from 'typebox';

const storePattern = '^(sqlite:|mongodb([+]srv)?://).';

/** The settings of the billing service. */
export const settings = Type.Object({
  ...platformSettings.properties,
  ...jobSettings.properties,
  STORE_URL: Type.String({
    default: 'sqlite:data/billing.db',
    pattern: storePattern,
    description:
      'Where subscriptions, usage and invoices are stored: sqlite:<path>, sqlite::memory: or mongodb://<host>/<database>',
  }),
  SANDBOX_URL: Type.Optional(
    Type.String({
      pattern: storePattern,
      description:
        'Database of the sandbox payment provider: sqlite:<path> or mongodb://<host>/<database>; by default that of STORE_URL with -sandbox',
    }),
  ),
  PROVIDER_TIMEOUT_MS: Type.Integer({
    default: 3_000,
    minimum: 10,
    maximum: 60_000,
    description:
      'Maximum time for a response of the payment provider; after that the payment is unconfirmed; milliseconds',
  }),
  USERS_URL: ServiceUrl({
    default: 'http://127.0.0.1:4001',
    description: 'Address of the users service, which publishes the keys of access tokens',
  }),
  REPORTING_URL: ServiceUrl({
    default: 'http://127.0.0.1:4003',
    description: 'Address of the reporting service, which receives the events of billing',
  }),
  SERVICE_TOKEN: Secret({ description: 'The secret that services send to each other' }),
  BILLING_TEST_CLOCK: Type.Boolean({
    default: false,
    description: 'Allows billing runs and usage with times in the future; for tests and demonstrations only',
  }),
});

export type Settings = Static<typeof settings>;

/**
 * Returns the address of the sandbox's database.
 *
 * @example
 * sandboxUrl({ STORE_URL: 'sqlite:data/billing.db' }); // 'sqlite:data/billing.db-sandbox'
 */
export function sandboxUrl({ STORE_URL, SANDBOX_URL }: Pick<Settings, 'STORE_URL' | 'SANDBOX_URL'>): string {
  if (SANDBOX_URL !== undefined) return SANDBOX_URL;
  if (STORE_URL === 'sqlite::memory:') return STORE_URL;
  // Extends the database's name, which options may follow: another database on the same server.
  return STORE_URL.replace(/^(sqlite:.+|mongodb(?:\+srv)?:\/\/[^/]+\/[^?]+)/, '$1-sandbox');
}
