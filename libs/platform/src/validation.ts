import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import type { FastifySchemaCompiler } from 'fastify';

/**
 * Validates input against the contract's schemas. JSON bodies are taken as they are; the text of a query, a
 * path or a header is converted to the type that the contract names. A query may hold no unknown field, or a
 * mistyped one would be ignored; a body's schema says itself whether it may.
 */
export function createValidators(): FastifySchemaCompiler<object> {
  const exact = withFormats({ coerceTypes: false });
  const converting = withFormats({ coerceTypes: 'array' });
  return ({ schema, httpPart }) => {
    if (httpPart === 'body') return exact.compile(schema);
    return converting.compile(
      httpPart === 'querystring' ? { ...schema, additionalProperties: false } : schema,
    );
  };
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
