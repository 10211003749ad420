import { readFileSync } from 'node:fs';
import { createOpenApi } from '@slipway/contract-kit/openapi';
import { problem } from '@slipway/contracts/errors';
import { getOpenApi } from '@slipway/contracts/gateway';
import { namedSchemas, operations } from '@slipway/contracts/operations';
import type { App } from '@slipway/platform/core/app';
import { htmlFile, type PageFile, readPageFile, sendFile } from '../page-files.ts';
import { securityHeaders } from '../security-headers.ts';

/** Creates the OpenAPI document of all services. */
export function describeSystem(version: string) {
  return createOpenApi(
    {
      title: 'Slipway',
      version,
      description:
        'Log in to get an access token, and send it as `Authorization: Bearer <access token>`. Errors are [problem documents](/docs/errors). [Start page](/)',
    },
    Object.values(operations).flat(),
    namedSchemas,
  );
}

type Document = ReturnType<typeof describeSystem>;

/** Serves the OpenAPI document as JSON. */
export function registerOpenApiRoutes(app: App, document: Document): void {
  const text = JSON.stringify(document);
  app.route({
    ...getOpenApi,
    schema: {},
    handler: (_request, reply) => reply.type('application/json').send(text),
  });
}

/** Swagger UI loads everything from the gateway, but sets inline styles. */
const pagePolicy =
  "script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; connect-src 'self'";

/** The plugin of Swagger UI would load 110 modules at each start to serve the same files. */
const swaggerUi = new URL('static/', import.meta.resolve('@fastify/swagger-ui'));
const fileNames = ['swagger-ui.css', 'index.css', 'swagger-ui-bundle.js'];

/** Serves Swagger UI at /docs, to read the document and to try operations. */
export async function registerDocsRoutes(app: App): Promise<void> {
  const page = htmlFile(readFileSync(new URL('../pages/docs.html', import.meta.url), 'utf8'));
  const files = new Map<string, PageFile>();

  /** Reads a file at its first request, because together they are 2 MB. */
  function read(name: string): PageFile {
    const file = files.get(name) ?? readPageFile(new URL(name, swaggerUi));
    files.set(name, file);
    return file;
  }

  await app.register(async (docs) => {
    docs.addHook('onRequest', securityHeaders(pagePolicy));
    for (const url of ['/docs', '/docs/'])
      docs.get(url, async (request, reply) => sendFile(request, reply, page));
    docs.get<{ Params: { file: string } }>('/docs/:file', async (request, reply) => {
      const name = fileNames.find((each) => each === request.params.file);
      if (!name) throw problem('not_found', 'There is no such file');
      return sendFile(request, reply, read(name));
    });
  });
}
