import { Validator } from '@seriousme/openapi-schema-validator';
import { createOpenApi } from '@slipway/contract-kit/openapi';
import type { Operation } from '@slipway/contract-kit/operation';
import Type from 'typebox';
import { describe, expect, it } from 'vitest';
import { namedSchemas, operations } from './operations.ts';
import { answers, NoContent } from './schemas.ts';

const info = { title: 'Slipway', version: '1.0.0' };
const Plan = Type.Object({ id: Type.String() });

function operation(
  schema: Partial<Operation['schema']>,
  config: Partial<Operation['config']> = {},
): Operation {
  return {
    method: 'POST',
    url: '/api/v1/plans/:planId',
    schema: { operationId: 'x', summary: 'X', response: answers({ 200: Plan }), ...schema },
    config: { access: 'public', ...config },
  };
}

function described(...parameters: Parameters<typeof operation>) {
  return createOpenApi(info, [operation(...parameters)], { Plan }).paths['/api/v1/plans/{planId}']?.post;
}

/** The document as a client receives it. */
const sent = (document: object) => JSON.parse(JSON.stringify(document)) as Record<string, unknown>;

describe('the OpenAPI document', () => {
  it('of all operations is valid OpenAPI 3.1', async () => {
    const document = createOpenApi(info, Object.values(operations).flat(), namedSchemas);
    const validator = new Validator();
    const { valid, errors } = await validator.validate(sent(document));
    expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
    expect(validator.version).toBe('3.1');
  });

  it('is checked by a validator that rejects an invalid document', async () => {
    const { paths, ...rest } = createOpenApi(info, [operation({ operationId: 'a' })]);
    const wrong = { ...rest, paths: { ...paths, 'no-slash': { get: { responses: 'none' } } } };
    expect(await new Validator().validate(sent(wrong))).toMatchObject({ valid: false });
  });

  it('has every component that it refers to', () => {
    const document = createOpenApi(info, Object.values(operations).flat(), namedSchemas);
    const references = JSON.stringify(document).matchAll(/"\$ref":"#\/components\/(\w+)\/(\w+)"/g);
    const places = [...references].map(([, kind, name]) => `${kind}/${name}`);
    const held = Object.entries(document.components).flatMap(([kind, parts]) =>
      Object.keys(parts).map((name) => `${kind}/${name}`),
    );
    expect(held).toEqual(expect.arrayContaining([...new Set(places)]));
    expect(places).toContain('schemas/Subscription');
  });

  it('names every operation once', () => {
    const ids = Object.values(operations)
      .flat()
      .map(({ schema }) => schema.operationId);
    expect(ids).toEqual([...new Set(ids)]);
  });

  it('says who can call an operation', () => {
    expect(described({}, { access: 'public' })).toMatchObject({ security: [] });
    expect(described({}, { access: 'member' })).toMatchObject({ security: [{ accessToken: [] }] });
    expect(described({}, { access: 'admin' })).toMatchObject({
      security: [{ accessToken: ['admin'] }],
      description: 'Requires the role admin.',
    });
  });

  it('describes every failure as a problem document', () => {
    const problem = { $ref: '#/components/responses/Problem' };
    expect(described({})).toMatchObject({ responses: { '4XX': problem, '5XX': problem } });
  });

  it('has named schemas as components, and refers to them', () => {
    const document = createOpenApi(info, [operation({})], { Plan });
    expect(document.components.schemas.Plan).toEqual(sent(Plan));
    expect(described({})).toMatchObject({
      responses: {
        200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Plan' } } } },
      },
    });
  });

  it('describes path, query and header parameters and whether they are required', () => {
    const text = Type.String();
    const parameters = described({
      params: Type.Object({ planId: text }),
      querystring: Type.Object({ limit: Type.Optional(Type.Integer()), by: text }),
      headers: Type.Object({ 'if-match': Type.Optional(text) }),
    });
    expect(parameters).toMatchObject({
      parameters: [
        { name: 'planId', in: 'path', required: true },
        { name: 'limit', in: 'query', required: false, schema: { type: 'integer' } },
        { name: 'by', in: 'query', required: true },
        { name: 'if-match', in: 'header', required: false },
      ],
    });
  });

  it('requires an Idempotency-Key if the contract does', () => {
    const reference = { $ref: '#/components/parameters/IdempotencyKey' };
    expect(described({}, { idempotency: 'required' })).toMatchObject({ parameters: [reference] });
    expect(described({})).not.toHaveProperty('parameters');
  });

  it('names the media types of request and response bodies', () => {
    const ndjson = 'application/x-ndjson';
    expect(described({ consumes: [ndjson], produces: ['application/json', 'text/csv'] })).toMatchObject({
      requestBody: { required: false, content: { [ndjson]: { schema: { type: 'string' } } } },
      responses: { 200: { content: { 'text/csv': { schema: { type: 'string' } } } } },
    });
    expect(described({ body: Plan })).toMatchObject({
      requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Plan' } } } },
    });
    expect(described({})).not.toHaveProperty('requestBody');
  });

  it('has no content for a response without content', () => {
    expect(described({ response: answers({ 204: NoContent }) })).toMatchObject({
      responses: { 204: { description: 'No Content' } },
    });
    expect(described({ response: answers({ 204: NoContent }) })).not.toHaveProperty('responses.204.content');
  });
});

describe('the operations of the contracts', () => {
  const all = Object.values(operations).flat();

  it('cover every service', () => {
    for (const [service, its] of Object.entries(operations))
      expect([service, its.length]).not.toEqual([service, 0]);
  });

  it('have a public path, and one operation per path and method', () => {
    const places = all.map(({ method, url }) => `${method} ${url}`);
    expect(places).toEqual([...new Set(places)]);
    for (const { url } of all) expect(url).toMatch(/^(\/api\/v1\/[a-z]|\/\.well-known\/jwks\.json$)/);
  });

  it('name every parameter of their path', () => {
    for (const { url, schema } of all) {
      const inPath = [...url.matchAll(/:(\w+)/g)].map(([, name]) => name);
      expect(Object.keys(schema.params?.properties ?? {})).toEqual(inPath);
    }
  });
});
