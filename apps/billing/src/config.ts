import { platformSettings, Secret, ServiceUrl } from '@slipway/platform/service/settings';
import Type, { type Static } from 'typebox';

const storePattern = '^(sqlite:|mongodb([+]srv)?://).';

/** The settings of the billing service. */
export const settings = Type.Object({
  ...platformSettings.properties,
  STORE_URL: Type.String({
    default: 'sqlite:data/billing.db',
    pattern: storePattern,
    description:
      'Where subscriptions, usage and invoices are kept: sqlite:<path>, sqlite::memory: or mongodb://<host>/<database>',
  }),
  SANDBOX_URL: Type.Optional(
    Type.String({
      pattern: storePattern,
      description:
        "The sandbox payment provider's own books: sqlite:<path> or mongodb://<host>/<database>; by default the store's path or database with -sandbox",
    }),
  ),
  PROVIDER_TIMEOUT_MS: Type.Integer({
    default: 3_000,
    minimum: 10,
    maximum: 60_000,
    description: 'How long the payment provider is waited for before a payment counts as unconfirmed',
  }),
  USERS_URL: ServiceUrl({
    default: 'http://127.0.0.1:4001',
    description: 'Address of the users service, which publishes the keys of access tokens',
  }),
  REPORTING_URL: ServiceUrl({
    default: 'http://127.0.0.1:4003',
    description: 'Address of the reporting service, which is told of everything that counts',
  }),
  SERVICE_TOKEN: Secret({ description: 'The secret that the services present to each other' }),
  BILLING_TEST_CLOCK: Type.Boolean({
    default: false,
    description: 'Lets billing runs and usage name times to come; for tests and demonstrations only',
  }),
});

export type Settings = Static<typeof settings>;

/**
 * Returns the address of the sandbox's own database.
 *
 * @example
 * sandboxUrl({ STORE_URL: 'sqlite:data/billing.db' }); // 'sqlite:data/billing.db-sandbox'
 */
export function sandboxUrl({ STORE_URL, SANDBOX_URL }: Pick<Settings, 'STORE_URL' | 'SANDBOX_URL'>): string {
  if (SANDBOX_URL !== undefined) return SANDBOX_URL;
  if (STORE_URL === 'sqlite::memory:') return STORE_URL;
  // A separate database on the same server; the options follow its name.
  return STORE_URL.replace(/^(sqlite:.+|mongodb(?:\+srv)?:\/\/[^/]+\/[^?]+)/, '$1-sandbox');
}
