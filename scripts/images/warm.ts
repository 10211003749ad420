/**
 * Fills Node's compile cache while an image is built, so that a start of the image compiles nothing: loads every module
 * of the service, serves a few requests, and stops. Run it with NODE_COMPILE_CACHE in the service's folder.
 */
import { globSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { resolve } from 'node:path';
import process from 'node:process';

const management = 'http://127.0.0.1:9080';

/** Settings with which the service starts without other systems. The token protects nothing: nobody else calls it. */
Object.assign(process.env, {
  HOST: '127.0.0.1',
  STORE_URL: 'sqlite::memory:',
  SANDBOX_URL: 'sqlite::memory:',
  SERVICE_TOKEN: 'only-while-the-image-is-built',
  OTEL_TRACES_EXPORTER: 'zipkin',
  DRAIN_DELAY_MS: '0',
  LOG_LEVEL: 'silent',
});

// Stores and telemetry are imported on demand. Their drivers must be in the cache, too.
const modules = globSync('{packages,dist}/*.js', { exclude: ['dist/make-accounts.js'] });
for (const file of modules) await import(resolve(file));

for (const path of ['/health', '/started', '/status', '/metrics']) {
  const { ok } = await fetch(management + path);
  if (!ok) throw new Error(`The service that warms the cache does not answer ${path}.`);
}
for (const path of ['/', '/api/v1/openapi.json', '/api/v1/users/me'])
  await fetch(`http://127.0.0.1:8080${path}`);
flushCompileCache();
process.kill(process.pid, 'SIGTERM');
