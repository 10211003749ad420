import { gunzipSync } from 'node:zlib';
import { problemTable } from '@slipway/contracts/errors';
import { operations } from '@slipway/contracts/operations';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPageFiles } from '../page-files.ts';
import { views } from '../pages/views.ts';
import { startGateway, type TestGateway } from '../testing/service.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({ DOCS_URL: 'https://docs.example/slipway/' });
});
afterAll(() => gateway.stop());

const get = (url: string, headers: Record<string, string> = { accept: 'text/html' }) =>
  gateway.app.inject({ url, headers });

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

describe('the start page', () => {
  it('is plain text for a client that does not ask for HTML, such as curl', async () => {
    const { headers, body } = await get('/', { accept: '*/*' });
    expect(headers).toMatchObject({ 'content-type': 'text/plain; charset=utf-8', vary: 'accept' });
    expect(body).toMatch(/^gateway +ready +\d/m);
    expect(body).toMatch(/^billing +unreachable$/m);
    expect(body).toMatch(/^\/docs\/errors +Error codes$/m);
    expect(body).not.toMatch(/<| $/m);
  });

  it('lists the views that exist, and no others', async () => {
    const { body } = await get('/');
    const listed = [...body.matchAll(/<li><a href="#(\w+)"/g)].map(([, name]) => name);
    expect(listed).toEqual(views.map(({ name }) => name));
    for (const name of listed) {
      expect((await get(`/pages/views/${name}.js`)).body).toContain('export function show(');
      expect((await get(`/pages/views/${name}.css`)).statusCode).toBe(200);
    }
  });

  it.each(['/pages/missing.js', '/pages/home.html', '/pages/..%2fconfig.ts', '/pages/'])(
    'has no file %s',
    async (url) => {
      const { statusCode, headers, body } = await get(url);
      expect([statusCode, headers['content-type'], JSON.parse(body).code]).toEqual([
        404,
        expect.stringContaining('application/problem+json'),
        'not_found',
      ]);
    },
  );

  it('knows the services, those with jobs, and the documentation', async () => {
    const { headers, body } = await get('/pages/system.js');
    expect(headers['content-type']).toContain('text/javascript');
    expect(body.split('\n')).toEqual([
      'export const services = ["gateway","users","billing","reporting"];',
      'export const servicesWithJobs = ["users","billing","reporting"];',
      'export const docsUrl = "https://docs.example/slipway";',
      '',
    ]);
  });

  it('and all that it can load is less than 60 kB', async () => {
    const gzip = { accept: 'text/html', 'accept-encoding': 'gzip, br' };
    const files = [...readPageFiles(new URL('../pages/', import.meta.url)).keys()];
    const answers = await Promise.all(
      ['', ...files.map((path) => `pages/${path}`)].map((path) => get(`/${path}`, gzip)),
    );
    for (const { headers } of answers) expect(headers['content-encoding']).toBe('gzip');
    const bytes = answers.reduce((sum, { rawPayload }) => sum + rawPayload.length, 0);
    expect(bytes).toBeLessThan(60_000);
  });
});

describe.each([
  '/',
  '/docs/errors',
  '/docs',
  '/docs/swagger-ui.css',
  '/pages/home.js',
  '/pages/views/map.css',
])('the file %s', (url) => {
  it('is sent again only if it has changed', async () => {
    const { headers } = await get(url);
    const again = { accept: 'text/html', 'if-none-match': String(headers.etag) };
    const { statusCode, body } = await get(url, again);
    expect([statusCode, body]).toEqual([304, '']);
    expect((await get(url, { ...again, 'if-none-match': '"other"' })).statusCode).toBe(200);
  });

  it('is compressed only for a client that accepts that', async () => {
    const plain = await get(url);
    expect(plain.headers).not.toHaveProperty('content-encoding');
    expect(plain.headers.vary).toContain('accept-encoding');
    const compressed = await get(url, { accept: 'text/html', 'accept-encoding': 'gzip' });
    expect(gunzipSync(compressed.rawPayload).toString()).toBe(plain.body);
    const unwanted = await get(url, { accept: 'text/html', 'accept-encoding': 'gzip;q=0' });
    expect(unwanted.body).toBe(plain.body);
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
    const { body } = await get('/pages/docs.js');
    const [, url = ''] = /url: '(.+)'/.exec(body) ?? [];
    expect((await get(url)).json()).toHaveProperty('openapi');
  });

  it.each(['swagger-ui.js', 'package.json', '..%2findex.js'])('has no file /docs/%s', async (file) => {
    expect((await get(`/docs/${file}`)).statusCode).toBe(404);
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
