import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import type { FastifySchemaCompiler } from 'fastify';

/**
 * Validates input against the contract's schemas. JSON bodies are taken as they are; the text of a query, a
 * path or a header is converted to the type that the contract names. A query may hold no unknown field, or a
 * mistyped one would be ignored; a body's schema says itself whether it may.
 */
export function createValidators(): FastifySchemaCompiler<object> {
  const exact = createCompiler({ coerceTypes: false });
  const converting = createCompiler({ coerceTypes: 'array' });
  return ({ schema, httpPart }) => {
    if (httpPart === 'body') return exact(schema);
    return converting(httpPart === 'querystring' ? { ...schema, additionalProperties: false } : schema);
  };
}

/** Characters of JSON in which every error is named. A megabyte of errors would block the process for a second. */
const namedInFull = 10_000;

type Check = ((input: unknown) => boolean) & { errors?: ErrorObject[] };

/** Looks for the first error alone, and, only when there is one, for the others. */
function createCompiler(options: Options) {
  const first = withFormats(options);
  const every = withFormats({ ...options, allErrors: true });
  return (schema: object) => {
    const fits = first.compile(schema);
    let fitsInFull: ValidateFunction | undefined;
    // As Ajv's own do: false, and the errors beside it. Whoever calls it without Fastify relies on that.
    const check: Check = (input) => {
      check.errors = undefined;
      if (fits(input)) return true;
      check.errors = fits.errors ?? [];
      if (JSON.stringify(input)?.length > namedInFull) return false;
      fitsInFull ??= every.compile(schema);
      fitsInFull(input);
      check.errors = fitsInFull.errors ?? check.errors;
      return false;
    };
    return check;
  };
}

function withFormats(options: Options): Ajv {
  const ajv = new Ajv({ useDefaults: true, removeAdditional: false, strict: false, ...options });
  formats.default(ajv);
  return ajv;
}
