import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import type { FastifySchemaCompiler } from 'fastify';
import { readInstant } from '../core/instant.ts';

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
 * Maximum number of values in an input whose errors are all reported. Finding all errors in a body of 1 MB can block
 * the process for a second.
 */
const maxFullyReported = 1_200;

type Check = ((input: unknown) => boolean) & { errors?: ErrorObject[] };

/** Makes validators that stop at the first error, and validate input with few values again to find all errors. */
function createCompiler(options: Options) {
  const first = withFormats(options);
  const every = withFormats({ ...options, allErrors: true });
  return (schema: object) => {
    const fits = first.compile(schema);
    let fitsInFull: ValidateFunction | undefined;
    // Sets `errors`, as Ajv's own functions do: callers other than Fastify rely on that.
    const check: Check = (input) => {
      check.errors = undefined;
      if (fits(input)) return true;
      check.errors = fits.errors ?? [];
      if (!hasFewValues(input)) return false;
      fitsInFull ??= every.compile(schema);
      fitsInFull(input);
      check.errors = fitsInFull.errors ?? check.errors;
      return false;
    };
    return check;
  };
}

/** Returns whether an input has at most `maxFullyReported` values. Not recursive: it may be nested very deeply. */
function hasFewValues(input: unknown): boolean {
  const rest = [input];
  for (let counted = 0; rest.length > 0; counted++) {
    if (counted + rest.length > maxFullyReported) return false;
    const value = rest.pop();
    if (typeof value !== 'object' || value === null) continue;
    for (const part of Object.values(value)) rest.push(part);
  }
  return true;
}

/** Skips the check of the schemas, which takes 16 ms of CPU at each start: `tests/input/schemas.test.ts` does it. */
export const uncheckedSchemas = { meta: false, validateSchema: false };

/**
 * Makes a check of data that another process has sent. Compiles the schema at the first call, so that it does not delay the
 * start.
 *
 * @example
 * const isStatus = createCheck<Status>(Status);
 * if (isStatus(data)) show(data.version);
 */
export function createCheck<T>(schema: object): (data: unknown) => data is T {
  let fits: ValidateFunction<T> | undefined;
  return (data): data is T => {
    fits ??= new Ajv(uncheckedSchemas).compile<T>(schema);
    return fits(data);
  };
}

function withFormats(options: Options): Ajv {
  const fixed = { useDefaults: true, removeAdditional: false, strict: false, ...uncheckedSchemas };
  const ajv = new Ajv({ ...fixed, ...options });
  formats.default(ajv);
  // Ajv's own format accepts any white space for the `T`, and UTC years that do not sort as text.
  ajv.addFormat('date-time', (text) => readInstant(text) !== undefined);
  return ajv;
}
