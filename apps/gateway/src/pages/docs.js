/** Shows the OpenAPI document with Swagger UI, which is not a module: it defines a global function. */
const { SwaggerUIBundle } = globalThis;

SwaggerUIBundle({
  url: '/api/v1/openapi.json',
  dom_id: '#docs',
  layout: 'BaseLayout',
  deepLinking: true,
  docExpansion: 'list',
  displayRequestDuration: true,
  // Does not send the document to a validator on another host.
  validatorUrl: null,
});
