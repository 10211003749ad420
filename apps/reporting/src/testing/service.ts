import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DomainEvent } from '@slipway/contract-kit/event';
import { tokenAudience, tokenIssuer } from '@slipway/platform/http/tokens';
import { buildService } from '@slipway/platform/service/service';
import { readSettings } from '@slipway/platform/service/settings';
import { inject } from '@slipway/platform/testing/inject';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { reporting } from '../app.ts';

const serviceToken = 'secret-between-services';

/** Reporting, wired as in production, in front of a server that publishes the key which its tokens are signed with. */
export async function startReporting(storeUrl = 'sqlite::memory:') {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA');
  const keySet = { keys: [{ ...(await exportJWK(publicKey)), kid: 'test', alg: 'EdDSA', use: 'sig' }] };
  const users = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(keySet));
  });
  await new Promise<void>((resolve) => users.listen(0, '127.0.0.1', resolve));
  const settings = readSettings(reporting.settings, {
    STORE_URL: storeUrl,
    SERVICE_TOKEN: serviceToken,
    USERS_URL: `http://127.0.0.1:${(users.address() as AddressInfo).port}`,
    LOG_LEVEL: 'silent',
  });
  const { app, store, lifecycle } = await buildService(reporting, settings);
  lifecycle.advance('ready');
  const tokenFor = (...roles: string[]) =>
    new SignJWT({ roles })
      .setProtectedHeader({ alg: 'EdDSA', kid: 'test' })
      .setSubject('somebody')
      .setIssuer(tokenIssuer)
      .setAudience(tokenAudience)
      .setExpirationTime('5m')
      .sign(privateKey);
  const admin = await tokenFor('admin');

  return {
    store,
    lifecycle,
    tokenFor,
    /** Sends a request: as an administrator, unless its headers say otherwise. */
    ask: (method: 'GET' | 'POST', url: string, headers: { accept?: string; authorization?: string } = {}) =>
      inject({ app }, { method, url, headers: { authorization: `Bearer ${admin}`, ...headers } }),
    /** Delivers events as another service. */
    deliver: (events: unknown[], token = serviceToken) =>
      inject(
        { app },
        {
          method: 'POST',
          url: '/internal/v1/events',
          headers: { authorization: `Bearer ${token}` },
          payload: { events: events as DomainEvent[] },
        },
      ),
    async stop() {
      await app.close();
      users.closeAllConnections();
      users.close();
    },
  };
}
