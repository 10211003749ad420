/** Shows the OpenAPI document with Swagger UI, which is no module: it makes a global function. */
const { SwaggerUIBundle } = globalThis;

SwaggerUIBundle({
  url: '/api/v1/openapi.json',
  dom_id: '#docs',
  layout: 'BaseLayout',
  deepLinking: true,
  docExpansion: 'list',
  displayRequestDuration: true,
  // No other host checks the document.
  validatorUrl: null,
});
