import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import type { FastifySchemaCompiler } from 'fastify';

/**
 * Validates input against the contract's schemas. JSON bodies are taken as they are; the text of a query, a
 * path or a header is converted to the type that the contract names. Unknown fields are refused in both.
 */
export function createValidators(): FastifySchemaCompiler<object> {
  const exact = withFormats({ coerceTypes: false });
  const converting = withFormats({ coerceTypes: 'array' });
  return ({ schema, httpPart }) => (httpPart === 'body' ? exact : converting).compile(schema);
}

function withFormats(options: { coerceTypes: boolean | 'array' }): Ajv {
  const ajv = new Ajv({
    ...options,
    allErrors: true,
    useDefaults: true,
    removeAdditional: false,
    strict: false,
  });
  formats.default(ajv);
  return ajv;
}
