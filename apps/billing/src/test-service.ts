import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { tokenAudience, tokenIssuer } from '@slipway/platform/http/tokens';
import { buildService } from '@slipway/platform/service/service';
import { readSettings } from '@slipway/platform/service/settings';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { billing } from './app.ts';
import { drop } from './store/stores.fixture.ts';

type Call = { body?: unknown; key?: string; headers?: Record<string, string> };

/**
 * Billing, wired as in production, in front of a server that publishes the key which its tokens are signed with.
 * Nobody takes its events: they stay in the outbox.
 */
export async function startBilling(environment: Record<string, string> = {}) {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA');
  const keySet = { keys: [{ ...(await exportJWK(publicKey)), kid: 'test', alg: 'EdDSA', use: 'sig' }] };
  const users = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(keySet));
  });
  await new Promise<void>((resolve) => users.listen(0, '127.0.0.1', resolve));
  const settings = readSettings(billing.settings, {
    STORE_URL: 'sqlite::memory:',
    SERVICE_TOKEN: 'secret-between-services',
    USERS_URL: `http://127.0.0.1:${(users.address() as AddressInfo).port}`,
    REPORTING_URL: 'http://127.0.0.1:1',
    LOG_LEVEL: 'silent',
    PROVIDER_TIMEOUT_MS: '200',
    ...environment,
  });
  const { app, store } = await buildService(billing, settings);
  /** On a busy machine the overload guard refuses now and then; these tests are about other things. */
  const calm = async () => {
    while (app.isUnderPressure()) await wait(20);
  };

  const tokenFor = (issuedAt: Date, subject: string, ...roles: string[]) =>
    new SignJWT({ roles })
      .setProtectedHeader({ alg: 'EdDSA', kid: 'test' })
      .setIssuedAt(issuedAt)
      .setSubject(subject)
      .setIssuer(tokenIssuer)
      .setAudience(tokenAudience)
      .setExpirationTime('5m')
      .sign(privateKey);

  /** Makes the way in which one person calls the service. */
  const callerFor = (subject: string, ...roles: string[]) => callerIssuedAt(new Date(), subject, ...roles);
  const callerIssuedAt = async (issuedAt: Date, subject: string, ...roles: string[]) =>
    callerWith(`Bearer ${await tokenFor(issuedAt, subject, ...roles)}`);
  const callerWith =
    (authorization: string) =>
    async (method: 'GET' | 'POST' | 'PATCH', path: string, { body, key, headers }: Call = {}) => {
      await calm();
      const answer = await app.inject({
        method,
        url: `/api/v1${path}`,
        headers: { authorization, ...(key !== undefined && { 'idempotency-key': key }), ...headers },
        ...(body !== undefined && { payload: body as object }),
      });
      return { status: answer.statusCode, headers: answer.headers, body: answer.body && answer.json() };
    };

  return {
    app,
    store,
    callerFor,
    callerIssuedAt,
    callerWith,
    async stop() {
      await app.close();
      users.closeAllConnections();
      users.close();
      await drop(settings.STORE_URL);
    },
  };
}

export type Caller = Awaited<ReturnType<Awaited<ReturnType<typeof startBilling>>['callerFor']>>;
