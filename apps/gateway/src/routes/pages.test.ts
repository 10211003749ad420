import { problemTable } from '@slipway/contracts/errors';
import { operations } from '@slipway/contracts/operations';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../testing/service.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.stop());

const get = (url: string) => gateway.app.inject(url);

/** Returns the addresses that a page loads or links to. */
const referencesIn = (html: string) =>
  [...html.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, url = '']) => url);

describe.each(['/', '/docs/errors', '/docs', '/docs/'])('the page %s', (url) => {
  it('may load from the gateway only, and cannot be framed', async () => {
    const answer = await get(url);
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    const policy = String(answer.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toMatch(/https?:|\*/);
    expect(answer.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-cache',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
    });
  });

  it('links only to existing pages', async () => {
    const base = new URL(url, 'http://gateway');
    const references = referencesIn((await get(url)).body).filter((each) => !/^(data|https?):/.test(each));
    expect(references.length).toBeGreaterThan(0);
    for (const reference of references) {
      const { pathname } = new URL(reference, base);
      expect([pathname, (await get(pathname)).statusCode]).toEqual([pathname, 200]);
    }
  });

  it('loads nothing from other hosts and has no inline script', async () => {
    const { body } = await get(url);
    expect(body).not.toMatch(/(src=|<link[^>]*href=)"(https?:)?\/\//);
    expect(body).not.toMatch(/<script(?![^>]*src=)|\son\w+=|<style/);
  });
});

describe('the page of error codes', () => {
  it('has an anchor for the type of every problem document', async () => {
    const { body } = await get('/docs/errors');
    for (const [code, { status, title }] of Object.entries(problemTable)) {
      expect(body).toContain(`<tr id="${code}">`);
      expect(body).toContain(`<td>${status}</td><td>${title}</td>`);
    }
  });

  it('is the page that the type of a problem document refers to', async () => {
    const { type } = (await get('/nowhere')).json();
    const { pathname, hash } = new URL(type, 'http://gateway');
    expect((await get(pathname)).body).toContain(`id="${hash.slice(1)}"`);
  });
});

describe('the OpenAPI document', () => {
  it('has every operation', async () => {
    const answer = await get('/api/v1/openapi.json');
    expect(answer.headers['content-type']).toContain('application/json');
    const { openapi, paths } = answer.json();
    expect(openapi).toBe('3.1.0');
    const ids = Object.values<Record<string, { operationId: string }>>(paths)
      .flatMap((path) => Object.values(path).map(({ operationId }) => operationId))
      .sort();
    expect(ids).toEqual(
      Object.values(operations)
        .flat()
        .map(({ schema }) => schema.operationId)
        .sort(),
    );
  });

  it('is shown by the docs page', async () => {
    expect((await get('/docs/json')).json()).toEqual((await get('/api/v1/openapi.json')).json());
  });
});

describe('any response', () => {
  it('does not name the software that created it', async () => {
    for (const url of ['/', '/docs', '/nowhere', '/api/v1/plans', '/api/v1/invoices']) {
      const { headers } = await get(url);
      expect(headers).not.toHaveProperty('server');
      expect(headers).not.toHaveProperty('x-powered-by');
    }
  });
});
