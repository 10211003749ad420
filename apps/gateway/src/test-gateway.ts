import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tokenAudience, tokenIssuer } from '@slipway/platform/http/tokens';
import { buildService } from '@slipway/platform/service/service';
import { readSettings } from '@slipway/platform/service/settings';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { gateway } from './app.ts';

type Seen = Pick<IncomingMessage, 'method' | 'url' | 'headers'>;

type Handle = (request: IncomingMessage, response: ServerResponse) => unknown;

/** Tells what arrived. */
function echo(service: string): Handle {
  return ({ method, url, headers }, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ service, method, url, headers }));
  };
}

/** A small real service whose answers a test can choose. */
export async function startStandIn(service: string) {
  const standIn = { handle: echo(service), seen: [] as Seen[], url: '', stop };
  const server = createServer(async (request, response) => {
    standIn.seen.push({ method: request.method, url: request.url, headers: request.headers });
    try {
      await standIn.handle(request, response);
    } catch {
      response.destroy();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  standIn.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return standIn;

  async function stop(): Promise<void> {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** The gateway, wired as in production and listening, in front of services that answer as a test says. */
export async function startGateway(env: Record<string, string> = {}) {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA');
  const keySet = { keys: [{ ...(await exportJWK(publicKey)), kid: 'test', alg: 'EdDSA', use: 'sig' }] };
  const publisher = await startStandIn('keys');
  publisher.handle = (_request, response) => response.end(JSON.stringify(keySet));
  const [users, billing, reporting] = await Promise.all(['users', 'billing', 'reporting'].map(startStandIn));
  if (!users || !billing || !reporting) throw new Error('a stand-in is missing');
  users.handle = (request, response) =>
    (request.url === '/.well-known/jwks.json' ? publisher.handle : echo('users'))(request, response);

  const settings = readSettings(gateway.settings, {
    LOG_LEVEL: 'silent',
    USERS_URL: users.url,
    BILLING_URL: billing.url,
    REPORTING_URL: reporting.url,
    USERS_STATUS_URL: `${users.url}/status`,
    BILLING_STATUS_URL: `${billing.url}/status`,
    REPORTING_STATUS_URL: `${reporting.url}/status`,
    ...env,
  });
  const { app, metrics, lifecycle } = await buildService(gateway, settings);
  const base = await app.listen({ port: 0, host: '127.0.0.1', listenTextResolver: () => '' });
  lifecycle.advance('ready');

  const tokenFor = (subject: string, ...roles: string[]) =>
    new SignJWT({ roles })
      .setProtectedHeader({ alg: 'EdDSA', kid: 'test' })
      .setSubject(subject)
      .setIssuer(tokenIssuer)
      .setAudience(tokenAudience)
      .setExpirationTime('5m')
      .sign(privateKey);
  const bearer = async (subject: string, ...roles: string[]) => ({
    authorization: `Bearer ${await tokenFor(subject, ...roles)}`,
  });

  return {
    app,
    base,
    metrics,
    lifecycle,
    bearer,
    services: { users, billing, reporting },
    async stop() {
      await app.close();
      await Promise.all([users, billing, reporting, publisher].map((each) => each.stop()));
    },
  };
}

export type TestGateway = Awaited<ReturnType<typeof startGateway>>;
