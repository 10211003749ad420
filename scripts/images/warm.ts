/**
 * Fills Node's compile cache while an image is built, so that a start of the image compiles nothing: loads every module
 * of the service, serves a few requests, and stops. Run it with NODE_COMPILE_CACHE in the service's folder.
 */
import { generateKeyPairSync, sign } from 'node:crypto';
import { globSync } from 'node:fs';
import { createServer } from 'node:http';
import { flushCompileCache } from 'node:module';
import { resolve } from 'node:path';
import process from 'node:process';

const service = 'http://127.0.0.1:8080';
const management = 'http://127.0.0.1:9080';
/** The default addresses of the services that this one may call. */
const upstreamPorts = [4001, 4002, 4003];

/** Settings with which the service starts without other systems. The token protects nothing: nobody else calls it. */
Object.assign(process.env, {
  HOST: '127.0.0.1',
  PORT: '8080',
  MANAGEMENT_PORT: '9080',
  STORE_URL: 'sqlite::memory:',
  SANDBOX_URL: 'sqlite::memory:',
  SERVICE_TOKEN: 'only-while-the-image-is-built',
  OTEL_TRACES_EXPORTER: 'zipkin',
  OTEL_EXPORTER_ZIPKIN_ENDPOINT: `http://127.0.0.1:${upstreamPorts[0]}`,
  DRAIN_DELAY_MS: '0',
});

const { publicKey, privateKey } = generateKeyPairSync('ed25519');

/** Stands for the services that this one calls: returns the key of the token for every path. */
for (const port of upstreamPorts) {
  const keys = [{ ...publicKey.export({ format: 'jwk' }), kid: 'warm', alg: 'EdDSA', use: 'sig' }];
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys }));
  });
  server.listen(port, '127.0.0.1').unref();
}

/** Returns an access token like those of users. Services that read the key above accept it. */
function makeToken(): string {
  const now = Math.floor(Date.now() / 1_000);
  const person = {
    sub: 'warm',
    roles: ['member', 'admin'],
    iss: 'slipway-users',
    aud: 'slipway',
    iat: now,
    exp: now + 60,
  };
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const text = `${encode({ alg: 'EdDSA', kid: 'warm' })}.${encode(person)}`;
  return `${text}.${sign(null, Buffer.from(text), privateKey).toString('base64url')}`;
}

async function send(path: string, token?: string, body?: object): Promise<unknown> {
  const headers = {
    ...(token && { authorization: `Bearer ${token}` }),
    ...(body && { 'content-type': 'application/json', 'idempotency-key': path }),
  };
  const method = body ? 'POST' : 'GET';
  const response = await fetch(service + path, { method, headers, body: body && JSON.stringify(body) });
  // A service knows some of the paths. A request that it refuses would leave its work out of the cache.
  if (!response.ok && response.status !== 404)
    throw new Error(`The service that warms the cache answers ${method} ${path} with ${response.status}.`);
  return response.json().catch(() => undefined);
}

/** Paths that people read often. Each service knows some of them, and the gateway knows all. */
const read = [
  '/api/v1/users/me',
  '/api/v1/subscriptions',
  '/api/v1/invoices',
  '/api/v1/reports/recurring',
  '/.well-known/jwks.json',
  '/',
];

/** Does what people do most. */
async function visit(): Promise<void> {
  const credentials = { email: 'warm@slipway.example', password: 'a password of the image' };
  await send('/api/v1/users', undefined, { ...credentials, name: 'Warm' });
  const session = (await send('/api/v1/sessions', undefined, credentials)) as
    | { accessToken?: string }
    | undefined;
  // Users accepts only a token of its own.
  const token = session?.accessToken ?? makeToken();
  await send('/api/v1/subscriptions', token, { planId: 'starter' });
  for (const path of [...read, ...read, ...read]) await send(path, token);
}

// Stores and telemetry are imported on demand. Their drivers must be in the cache, too.
const modules = globSync('{packages,dist}/*.js', { exclude: ['dist/make-accounts.js'] });
for (const file of modules) await import(resolve(file));

for (const path of ['/health', '/started', '/status', '/metrics']) {
  const { ok } = await fetch(management + path);
  if (!ok) throw new Error(`The service that warms the cache does not answer ${path}.`);
}
await visit();
flushCompileCache();
process.kill(process.pid, 'SIGTERM');
