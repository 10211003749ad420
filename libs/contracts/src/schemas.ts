import { Type } from '@slipway/contract-kit/type';
import type { TSchema } from 'typebox';

export const Id = Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9_:.-]+$' });

export const Timestamp = Type.String({ format: 'date-time', description: 'Date and time in UTC (RFC 3339)' });

export const Day = Type.String({ format: 'date', description: 'Calendar day in UTC' });

export const Currency = Type.String({ pattern: '^[A-Z]{3}$', description: 'Currency code (ISO 4217)' });

/** An amount in the currency's minor unit, such as cents. */
export const Amount = Type.Integer({
  minimum: -Number.MAX_SAFE_INTEGER,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'Amount in minor units of the currency',
});

/** Maximum size of a small body; bytes. Enough for the longest strings that the schemas allow, all escaped. */
export const smallBody = 10_240;

/** An object schema that rejects unknown fields. */
export const Strict = <P extends Record<string, TSchema>>(properties: P, options: object = {}) =>
  Type.Object(properties, { additionalProperties: false, ...options });
