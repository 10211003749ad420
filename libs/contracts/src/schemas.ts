import { ProblemDocument } from '@slipway/contract-kit/problem';
import Type, { type TSchema } from 'typebox';

/** Building blocks that several contracts share. */

export const Id = Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9_:.-]+$' });

export const Timestamp = Type.String({ format: 'date-time', description: 'RFC 3339, UTC' });

export const Day = Type.String({ format: 'date', description: 'Calendar day in UTC' });

export const Currency = Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217' });

/** An amount in the currency's minor unit, such as cents. */
export const Amount = Type.Integer({
  minimum: -Number.MAX_SAFE_INTEGER,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'Minor units of the currency',
});

/** Bytes that the body of an operation may have: enough for the longest texts that a schema allows, all escaped. */
export const smallBody = 10_240;

/** An object that refuses fields it does not know. */
export const Strict = <P extends Record<string, TSchema>>(properties: P, options: object = {}) =>
  Type.Object(properties, { additionalProperties: false, ...options });

/** The success answers of an operation together with the problem document that any failure has. */
export const answers = <R extends Record<number, TSchema>>(success: R) =>
  ({ ...success, '4xx': ProblemDocument, '5xx': ProblemDocument }) as R;

export const NoContent = Type.Null({ description: 'No content' });
