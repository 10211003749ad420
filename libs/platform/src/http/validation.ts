import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import type { FastifySchemaCompiler } from 'fastify';
import { readInstant } from '../core/instant.ts';

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

/** Values in an input of which every error is named. A megabyte of errors would block the process for a second. */
const maxNamed = 1_200;

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
      if (!hasFewValues(input)) return false;
      fitsInFull ??= every.compile(schema);
      fitsInFull(input);
      check.errors = fitsInFull.errors ?? check.errors;
      return false;
    };
    return check;
  };
}

/** Counts the values within an input, up to `maxNamed`. Without recursion: the input may be nested very deeply. */
function hasFewValues(input: unknown): boolean {
  const rest = [input];
  for (let counted = 0; rest.length > 0; counted++) {
    if (counted + rest.length > maxNamed) return false;
    const value = rest.pop();
    if (typeof value !== 'object' || value === null) continue;
    for (const part of Object.values(value)) rest.push(part);
  }
  return true;
}

function withFormats(options: Options): Ajv {
  const ajv = new Ajv({ useDefaults: true, removeAdditional: false, strict: false, ...options });
  formats.default(ajv);
  // Ajv's own takes any white space within a time, and years that cannot be sorted as text.
  ajv.addFormat('date-time', (text) => readInstant(text) !== undefined);
  return ajv;
}
