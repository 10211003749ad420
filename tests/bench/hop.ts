import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getMe } from '@slipway/contracts/users';
import { tokenAudience, tokenIssuer } from '@slipway/platform/http/tokens';
import { eventually } from '../support/people.ts';
import { startChild } from './child.ts';
import { startCollector } from './collector.ts';
import { type Costs, compareCosts } from './compare.ts';
import { table } from './report.ts';
import { median, withMiddleHalf } from './statistics.ts';

/** The measured proxies, with their names on the page. */
const variants = {
  bare: 'bare Fastify, which makes the response itself',
  raw: '`node:http` and `dispatch` of undici',
  request: 'Fastify and `request` of undici',
  proxy: '`@fastify/http-proxy`',
  assembled:
    '`@fastify/http-proxy` with `rate-limit`, `jwt`, `under-pressure`, request log, `fastify-metrics` and stock tracing at 10 %',
  gateway: "Slipway's gateway with its limits, token check, request log, metrics and tracing at 10 %",
};
type Variant = keyof typeof variants;
const names = Object.keys(variants) as Variant[];
const server = new URL('./hop-server.ts', import.meta.url);

/** The CPU of one forwarded `GET /users/me` with a token, in the process that forwards it. */
export async function hop(): Promise<string[]> {
  const collector = await startCollector();
  const users = await startUsers();
  const env = (name: Variant) => ({
    UPSTREAM: users.origin,
    PUBLIC_KEY: users.publicKey,
    OTEL_TRACES_EXPORTER: 'zipkin',
    OTEL_EXPORTER_ZIPKIN_ENDPOINT: `${collector.endpoint}/${name}`,
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.1',
    OTEL_BSP_SCHEDULE_DELAY: '100',
  });
  const headers = { authorization: `Bearer ${users.token}` };
  try {
    await checkAssembled(env('assembled'), headers);
    const request = { path: getMe.url, headers };
    const measured = await compareCosts({ server, variants: names, env, request, generations: 5 });
    for (const name of ['assembled', 'gateway']) {
      if (!collector.spans.get(`/${name}`)) throw new Error(`${name} has sent no span: it was not traced`);
    }
    return hopTable(measured);
  } finally {
    collector.close();
    users.close();
  }
}

/** Starts the service that all proxies forward to. It costs little, so that the proxy is what limits the rate. */
async function startUsers() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const key = { ...publicKey.export({ format: 'jwk' }), kid: 'bench', alg: 'EdDSA', use: 'sig' };
  const keySet = JSON.stringify({ keys: [key] });
  const user = JSON.stringify({
    id: 'ada',
    email: 'ada@example.com',
    name: 'Ada',
    roles: ['member'],
    createdAt: new Date(0).toISOString(),
    version: 1,
  });
  const service = createServer((request, response) => {
    const body = request.url === getMe.url ? user : keySet;
    const type = 'application/json; charset=utf-8';
    response.writeHead(200, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body);
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(service.address() as AddressInfo).port}`,
    publicKey: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
    token: signToken(privateKey),
    close: () => service.close(),
  };
}

/** Signs a token as users does, which is valid for a day: longer than the bench takes. */
function signToken(privateKey: KeyObject): string {
  const iat = Math.floor(Date.now() / 1_000);
  const claims = {
    sub: 'ada',
    roles: ['member'],
    iat,
    exp: iat + 86_400,
    iss: tokenIssuer,
    aud: tokenAudience,
  };
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const text = `${encode({ alg: 'EdDSA', kid: 'bench' })}.${encode(claims)}`;
  return `${text}.${sign(null, Buffer.from(text), privateKey).toString('base64url')}`;
}

/** Checks that the assembled proxy does its work: a comparison with one that does less would be unfair. */
async function checkAssembled(env: Record<string, string>, headers: Record<string, string>): Promise<void> {
  const child = startChild(server, ['assembled'], env);
  try {
    const { port } = await child.ask<{ port: number }>({});
    const get = (path: string, sent = {}) => fetch(`http://127.0.0.1:${port}${path}`, { headers: sent });
    // under-pressure rejects every request until it has measured the event loop for the first time.
    const answer = await eventually('the assembled proxy forwards a request', async () => {
      const response = await get(getMe.url, headers);
      return response.status !== 503 && response;
    });
    const metrics = await (await get('/metrics')).text();
    const checks = {
      'forwards a request': answer.status === 200,
      'rejects a request without a token': (await get(getMe.url)).status === 401,
      'limits the rate': answer.headers.has('x-ratelimit-remaining'),
      'measures durations': /^http_request_duration_seconds_count\{[^}]*\} [1-9]/m.test(metrics),
    };
    for (const [what, holds] of Object.entries(checks)) {
      if (!holds) throw new Error(`The assembled proxy no longer ${what}`);
    }
  } finally {
    child.stop();
  }
}

function hopTable(measured: Costs<Variant>[]): string[] {
  const ratio = (name: Variant, base: Variant) => measured.map((costs) => costs[name] / costs[base]);
  const rows = names.map((name) => {
    return [
      variants[name],
      median(measured.map((costs) => costs[name])).toFixed(0),
      median(ratio(name, 'bare')).toFixed(1),
      withMiddleHalf(ratio(name, 'proxy')),
      median(ratio(name, 'assembled')).toFixed(2),
    ];
  });
  const head = ['', 'CPU, µs', '× bare Fastify', '× `@fastify/http-proxy`', '× the assembled proxy'];
  return table(head, rows);
}
