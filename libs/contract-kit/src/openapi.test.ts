import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { createOpenApi } from './openapi.ts';
import type { Operation } from './operation.ts';
import { NoContent, responses } from './responses.ts';
import { Type } from './type.ts';

const info = { title: 'Plans', version: '1.0.0' };
const Plan = Type.Object({ id: Type.String() });

function operation(
  schema: Partial<Operation['schema']>,
  config: Partial<Operation['config']> = {},
): Operation {
  return {
    method: 'POST',
    url: '/api/v1/plans/:planId',
    schema: { operationId: 'x', summary: 'X', response: responses({ 200: Plan }), ...schema },
    config: { access: 'public', ...config },
  };
}

function described(...parameters: Parameters<typeof operation>) {
  return createOpenApi(info, [operation(...parameters)], { Plan }).paths['/api/v1/plans/{planId}']?.post;
}

/** The document as a client receives it. */
const sent = (document: object) => JSON.parse(JSON.stringify(document)) as Record<string, unknown>;

describe('the OpenAPI document of operations', () => {
  it('is checked by a validator that rejects an invalid document', async () => {
    const { paths, ...rest } = createOpenApi(info, [operation({ operationId: 'a' })]);
    const wrong = { ...rest, paths: { ...paths, 'no-slash': { get: { responses: 'none' } } } };
    expect(await new Validator().validate(sent(wrong))).toMatchObject({ valid: false });
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
    expect(described({ response: responses({ 204: NoContent }) })).toMatchObject({
      responses: { 204: { description: 'No Content' } },
    });
    expect(described({ response: responses({ 204: NoContent }) })).not.toHaveProperty(
      'responses.204.content',
    );
  });
});
