import type { TObject, TSchema } from 'typebox';
import { http } from './node-http.ts';
import type { Operation } from './operation.ts';
import { ProblemDocument } from './problem.ts';

type Info = { title: string; version: string; description?: string };

type Refer = (schema: unknown) => unknown;

/**
 * Describes operations as an OpenAPI 3.1 document. TypeBox schemas are JSON Schema 2020-12, which OpenAPI 3.1 uses
 * unchanged. Named schemas become components.
 *
 * @param named the schemas that the document refers to by name
 * @see https://spec.openapis.org/oas/v3.1.1.html
 * @example
 * createOpenApi({ title: 'Plans', version: '1.0.0' }, [listPlans, getPlan], { Plan });
 */
export function createOpenApi(info: Info, operations: Operation[], named: Record<string, TSchema> = {}) {
  const { refer, schemas } = createReferences({ ...named, Problem: ProblemDocument });
  const problem = {
    description: 'A problem document',
    content: mediaTypes(['application/problem+json'], refer(ProblemDocument)),
  };
  return {
    openapi: '3.1.0',
    info,
    servers: [{ url: '/' }],
    tags: [...new Set(operations.flatMap(({ schema }) => schema.tags ?? []))].map((name) => ({ name })),
    paths: pathsOf(operations, refer),
    components: {
      schemas,
      responses: { Problem: problem },
      parameters: { IdempotencyKey: idempotencyKey },
      securitySchemes: { accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
  };
}

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: true,
  description: 'Requests with the same key and body get the same response and take effect once',
  schema: { type: 'string', pattern: '^[!-~]{1,255}$' },
};

/** Replaces each named schema with a reference to it, and collects the schemas that are referred to. */
function createReferences(named: Record<string, TSchema>) {
  const names = new Map<unknown, string>(Object.entries(named).map(([name, schema]) => [schema, name]));
  const schemas: Record<string, unknown> = {};
  const refer: Refer = (value) => {
    const name = names.get(value);
    if (name === undefined) return copy(value);
    if (!Object.hasOwn(schemas, name)) schemas[name] = copy(value);
    return { $ref: `#/components/schemas/${name}` };
  };
  function copy(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(refer);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, refer(part)]));
  }
  return { refer, schemas };
}

function pathsOf(operations: Operation[], refer: Refer): Record<string, Record<string, object>> {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of operations) {
    const path = operation.url.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(operation, refer) };
  }
  return paths;
}

function describe({ schema, config }: Operation, refer: Refer) {
  const parameters = [
    ...parametersOf('path', schema.params, refer),
    ...parametersOf('query', schema.querystring, refer),
    ...parametersOf('header', schema.headers, refer),
    ...(config.idempotency ? [{ $ref: '#/components/parameters/IdempotencyKey' }] : []),
  ];
  const role = config.access === 'admin' ? 'Requires the role admin.' : undefined;
  const description = [schema.description, role].filter(Boolean).join(' ');
  return {
    operationId: schema.operationId,
    summary: schema.summary,
    ...(description && { description }),
    ...(schema.tags && { tags: schema.tags }),
    ...(parameters.length > 0 && { parameters }),
    ...requestBody(schema, refer),
    responses: responsesOf(schema, refer),
    security: securityOf(config.access),
  };
}

function parametersOf(place: 'path' | 'query' | 'header', schema: TObject | undefined, refer: Refer) {
  const required = new Set<string>((schema?.required as string[] | undefined) ?? []);
  return Object.entries(schema?.properties ?? {}).map(([name, property]) => ({
    name,
    in: place,
    // TypeBox marks a property with a default as required, because validation fills it in. A caller may omit it.
    required: place === 'path' || (required.has(name) && !('default' in property)),
    schema: refer(property),
  }));
}

/**
 * Describes a request body. JSON Schema can describe a body that is not JSON only as text; the operation's description
 * explains its format.
 */
function requestBody({ body, consumes }: Operation['schema'], refer: Refer) {
  if (!body && !consumes) return {};
  const types = consumes ?? ['application/json'];
  return { requestBody: { required: body !== undefined, content: mediaTypes(types, body && refer(body)) } };
}

function responsesOf({ response, produces = ['application/json'] }: Operation['schema'], refer: Refer) {
  const responses = Object.entries(response).map(([status, schema]) => {
    if (/^[45]/.test(status)) return [status.toUpperCase(), { $ref: '#/components/responses/Problem' }];
    const description = http.STATUS_CODES[status] ?? status;
    return [
      status,
      status === '204' ? { description } : { description, content: mediaTypes(produces, refer(schema)) },
    ];
  });
  return Object.fromEntries(responses) as Record<string, object>;
}

function mediaTypes(types: readonly string[], json: unknown): Record<string, object> {
  const isJson = (type: string) => /[/+]json$/.test(type);
  return Object.fromEntries(
    types.map((type) => [type, { schema: isJson(type) ? json : { type: 'string' } }]),
  );
}

/** Returns the token and the roles that a caller needs: in OpenAPI 3.1 a bearer scheme may list roles. */
function securityOf(access: Operation['config']['access']) {
  if (access === 'public') return [];
  return [{ accessToken: access === 'admin' ? ['admin'] : [] }];
}
