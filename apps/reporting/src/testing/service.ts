import type { DomainEvent } from '@slipway/contract-kit/event';
import { inject } from '@slipway/platform/testing/inject';
import { buildTestService, serviceToken } from '@slipway/platform/testing/service';
import { startTokenIssuer } from '@slipway/platform/testing/tokens';
import { reporting } from '../app.ts';

type Headers = { accept?: string; authorization?: string };

/** Builds reporting, which accepts the tokens of a test issuer. */
export async function startReporting(storeUrl = 'sqlite::memory:', settings: Record<string, string> = {}) {
  const issuer = await startTokenIssuer();
  const service = await buildTestService(reporting, {
    STORE_URL: storeUrl,
    USERS_URL: issuer.url,
    ...settings,
  });
  const tokenFor = (...roles: string[]) => issuer.tokenFor('somebody', ...roles);
  const admin = await tokenFor('admin');

  return {
    store: service.store,
    lifecycle: service.lifecycle,
    tokenFor,
    /** Sends a request: as an administrator, unless its headers say otherwise. */
    ask: (method: 'GET' | 'POST', url: string, headers: Headers = {}) =>
      inject(service, { method, url, headers: { authorization: `Bearer ${admin}`, ...headers } }),
    /** Delivers events as another service does. */
    deliver: (events: unknown[], token = serviceToken) =>
      inject(service, {
        method: 'POST',
        url: '/internal/v1/events',
        headers: { authorization: `Bearer ${token}` },
        payload: { events: events as DomainEvent[] },
      }),
    async stop() {
      await service.app.close();
      await issuer.stop();
    },
  };
}
