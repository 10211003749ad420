import { randomBytes } from 'node:crypto';
import { newSecrets } from '../secrets.ts';

export type SecretValues = Record<string, string>;

/**
 * Returns all values of the Secret `slipway-secrets`: the stored ones, and random ones for those that are missing.
 *
 * @example
 * completeSecrets({ 'admin-password': 'chosen by hand' })['admin-password']; // 'chosen by hand'
 */
export function completeSecrets(stored: SecretValues): SecretValues {
  const { serviceToken, adminEmail, adminPassword } = newSecrets();
  const base = {
    'service-token': serviceToken,
    'admin-email': adminEmail,
    'admin-password': adminPassword,
    'mongodb-username': 'slipway',
    'mongodb-password': randomBytes(18).toString('base64url'),
    ...stored,
  };
  const login = `${base['mongodb-username']}:${encodeURIComponent(base['mongodb-password'])}`;
  const urlOf = (database: string) => `mongodb://${login}@mongodb:27017/${database}?authSource=admin`;
  return { 'users-store-url': urlOf('users'), 'billing-store-url': urlOf('billing'), ...base };
}
