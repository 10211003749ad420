import { setTimeout as wait } from 'node:timers/promises';
import { buildTestService } from '@slipway/platform/testing/service';
import { startTokenIssuer } from '@slipway/platform/testing/tokens';
import { billing } from '../app.ts';
import { drop } from './stores.ts';

type Call = { body?: unknown; key?: string; headers?: Record<string, string> };

/** Builds billing, which accepts the tokens of a test issuer. Its events stay in the outbox, because reporting is down. */
export async function startBilling(env: Record<string, string> = {}) {
  const issuer = await startTokenIssuer();
  const { app, store } = await buildTestService(billing, {
    USERS_URL: issuer.url,
    REPORTING_URL: 'http://127.0.0.1:1',
    PROVIDER_TIMEOUT_MS: '200',
    ...env,
  });
  /** Waits while the overload guard rejects requests, which it sometimes does on a busy machine. */
  const calm = async () => {
    while (app.isUnderPressure()) await wait(20);
  };

  /** Makes a function that sends requests with the token of one person. */
  const callerFor = (subject: string, ...roles: string[]) => callerIssuedAt(new Date(), subject, ...roles);
  const callerIssuedAt = async (issuedAt: Date, subject: string, ...roles: string[]) =>
    callerWith(`Bearer ${await issuer.tokenIssuedAt(issuedAt, subject, ...roles)}`);
  const callerWith =
    (authorization: string) =>
    async (method: 'GET' | 'POST' | 'PATCH', path: string, { body, key, headers }: Call = {}) => {
      await calm();
      const response = await app.inject({
        method,
        url: `/api/v1${path}`,
        headers: { authorization, ...(key !== undefined && { 'idempotency-key': key }), ...headers },
        ...(body !== undefined && { payload: body as object }),
      });
      return {
        status: response.statusCode,
        headers: response.headers,
        body: response.body && response.json(),
      };
    };

  return {
    app,
    store,
    tokenFor: issuer.tokenFor,
    callerFor,
    callerIssuedAt,
    callerWith,
    async stop() {
      await app.close();
      await issuer.stop();
      await drop(env.STORE_URL ?? '');
    },
  };
}

export type Caller = Awaited<ReturnType<Awaited<ReturnType<typeof startBilling>>['callerFor']>>;
