import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import type { FastifySchemaCompiler } from 'fastify';

/**
 * Creates the validators of a contract's schemas. Values in a JSON body must have the right type already; the text of
 * a query, path or header is converted to the type in the schema. Unknown query parameters are rejected, so that a
 * misspelled one is not ignored. For unknown fields in a body, its schema decides.
 */
export function createValidators(): FastifySchemaCompiler<object> {
  const exact = createCompiler({ coerceTypes: false });
  const converting = createCompiler({ coerceTypes: 'array' });
  return ({ schema, httpPart }) => {
    if (httpPart === 'body') return exact(schema);
    return converting(httpPart === 'querystring' ? { ...schema, additionalProperties: false } : schema);
  };
}

/**
 * Maximum length of an input, as JSON, whose errors are all reported. Finding all errors in a body of 1 MB can block
 * the process for a second.
 */
const maxFullyReported = 10_000;

type Check = ((input: unknown) => boolean) & { errors?: ErrorObject[] };

/** Stops at the first error. Only if there is one, and the input is short, validates again to find all errors. */
function createCompiler(options: Options) {
  const first = withFormats(options);
  const every = withFormats({ ...options, allErrors: true });
  return (schema: object) => {
    const fits = first.compile(schema);
    let fitsInFull: ValidateFunction | undefined;
    // Returns and sets `errors` as Ajv's own functions do: callers other than Fastify rely on that.
    const check: Check = (input) => {
      check.errors = undefined;
      if (fits(input)) return true;
      check.errors = fits.errors ?? [];
      if (JSON.stringify(input)?.length > maxFullyReported) return false;
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
