import { Validator } from '@seriousme/openapi-schema-validator';
import { createOpenApi } from '@slipway/contract-kit/openapi';
import { describe, expect, it } from 'vitest';
import { namedSchemas, operations } from './operations.ts';

const info = { title: 'Slipway', version: '1.0.0' };

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
