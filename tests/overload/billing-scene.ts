import { randomUUID } from 'node:crypto';
import { listSubscriptions, subscribe } from '@slipway/contracts/billing';
import { startToxiproxy } from '../chaos/toxiproxy.ts';
import { ok } from '../support/http.ts';
import { newPerson } from '../support/people.ts';
import { realServers } from '../support/stores.ts';
import { startSystem } from '../support/system.ts';
import { type Protection, protectionEnv, type Scene } from './scene.ts';

/** Opens the whole system on real stores. Clients read from billing through the gateway; its MongoDB can answer 2 s late. */
export async function openBilling(protection: Protection): Promise<Scene> {
  const toxiproxy = await startToxiproxy();
  const servers = realServers();
  const way = await toxiproxy.proxy(new URL(servers.mongodb).host);
  const system = await startSystem({
    main: new URL('./fixtures/service.ts', import.meta.url),
    stores: 'real',
    servers: { ...servers, mongodb: `mongodb://${way.address}` },
    env: {
      RATE_LIMIT: '1000000',
      LOG_LEVEL: 'silent',
      OTEL_TRACES_EXPORTER: 'none',
      ...protectionEnv(protection),
    },
  });
  const { token } = await newPerson(system.base);
  await ok(system.base, subscribe, { body: { planId: 'starter' } }, { token, key: randomUUID() });
  const { method, url } = listSubscriptions;
  return {
    port: Number(new URL(system.base).port),
    request: `${method} ${url} HTTP/1.1\r\nhost: slipway\r\nauthorization: Bearer ${token}\r\n\r\n`,
    slow: () => way.add({ type: 'latency', attributes: { latency: 2_000 } }),
    heal: () => toxiproxy.heal(),
    async close() {
      await toxiproxy.heal();
      await system.stop();
      await toxiproxy.stop();
    },
  };
}
