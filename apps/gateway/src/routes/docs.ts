import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { createOpenApi } from '@slipway/contract-kit/openapi';
import { getOpenApi } from '@slipway/contracts/gateway';
import { namedSchemas, operations } from '@slipway/contracts/operations';
import type { App } from '@slipway/platform/core/app';
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

/** Serves Swagger UI at /docs, to read the document and to try operations. */
export async function registerDocsRoutes(app: App, document: Document): Promise<void> {
  await app.register(async (docs) => {
    docs.addHook('onRequest', securityHeaders(pagePolicy));
    await docs.register(swagger, {
      mode: 'static',
      specification: { document: document as never },
    });
    await docs.register(swaggerUi, {
      routePrefix: '/docs',
      theme: { title: 'Slipway API' },
      uiConfig: { layout: 'BaseLayout', docExpansion: 'list', displayRequestDuration: true },
    });
  });
}
