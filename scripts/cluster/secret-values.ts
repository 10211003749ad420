import { randomBytes } from 'node:crypto';
import { newSecrets } from '../secrets.ts';

export type SecretValues = Record<string, string>;

/**
 * All values of the Secret `slipway-secrets`: those that are kept already, and random ones for what is missing.
 *
 * @example
 * completeSecrets({ 'admin-password': 'chosen by hand' })['admin-password']; // 'chosen by hand'
 */
export function completeSecrets(kept: SecretValues): SecretValues {
  const { serviceToken, adminEmail, adminPassword } = newSecrets();
  const base = {
    'service-token': serviceToken,
    'admin-email': adminEmail,
    'admin-password': adminPassword,
    'mongodb-username': 'slipway',
    'mongodb-password': randomBytes(18).toString('base64url'),
    ...kept,
  };
  const login = `${base['mongodb-username']}:${encodeURIComponent(base['mongodb-password'])}`;
  const urlOf = (database: string) => `mongodb://${login}@mongodb:27017/${database}?authSource=admin`;
  return { 'users-store-url': urlOf('users'), 'billing-store-url': urlOf('billing'), ...base };
}
