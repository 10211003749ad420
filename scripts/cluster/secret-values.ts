import { randomBytes } from 'node:crypto';
import { newSecrets } from '../secrets.ts';
import { type ServiceName, servicesOn } from '../system.ts';

export type SecretValues = Record<string, string>;

/**
 * Returns all values of the Secret `slipway-secrets`: the stored ones, and random ones for those that are missing.
 * Replaces `mongodb-root-url`, and each store URL with the root account, which services shared in an earlier version.
 *
 * @example
 * completeSecrets({ 'admin-password': 'chosen by hand' })['admin-password']; // 'chosen by hand'
 */
export function completeSecrets(stored: SecretValues): SecretValues {
  const { serviceToken, managementToken, adminEmail, adminPassword } = newSecrets();
  const base = {
    'service-token': serviceToken,
    'management-token': managementToken,
    'admin-email': adminEmail,
    'admin-password': adminPassword,
    'grafana-password': newPassword(),
    'mongodb-username': 'slipway',
    'mongodb-password': newPassword(),
  };
  const root = { ...base, ...stored };
  const rootLogin = loginOf(root['mongodb-username'], root['mongodb-password']);
  const own = Object.entries(stored).filter(([, value]) => !value.startsWith(`mongodb://${rootLogin}`));
  return {
    ...valuesFor(servicesOn('mongodb'), (name) => [`${name}-store-url`, storeUrlOf(name)]),
    ...base,
    ...Object.fromEntries(own),
    'mongodb-root-url': `mongodb://${rootLogin}@mongodb:27017/admin`,
  };
}

const valuesFor = (services: ServiceName[], make: (name: ServiceName) => [string, string]): SecretValues =>
  Object.fromEntries(services.map(make));

const newPassword = () => randomBytes(18).toString('base64url');
const loginOf = (name: string, password: string) => `${name}:${encodeURIComponent(password)}`;
const storeUrlOf = (name: string) =>
  `mongodb://${loginOf(name, newPassword())}@mongodb:27017/${name}?authSource=admin`;
