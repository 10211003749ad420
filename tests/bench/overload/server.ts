/** A service with a route that computes and routes that wait for a store, behind more or less of the platform's guards. */
import { pbkdf2Sync } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { GuardSet } from '@slipway/platform/overload/guards';
import { buildService, defineService } from '@slipway/platform/service/service';
import { platformSettings, readSettings } from '@slipway/platform/service/settings';
import { createPool } from '../../support/pool.ts';

/** Rounds of PBKDF2 in one request to /cpu: about 2 ms of CPU. Not a time: on a busy machine that would be less work. */
const rounds = 12_000;
/** A store that does so many things at a time, each in so many milliseconds: 400 a second. */
const connections = 8;
const storeTime = 20;

const shop = defineService({
  name: 'shop',
  version: '0',
  settings: platformSettings,
  register(app) {
    const inPool = createPool(connections);
    app.get('/small', async () => ({ done: true }));
    app.get('/cpu', async () => ({ done: pbkdf2Sync('a', 'b', rounds, 32, 'sha256').length }));
    app.get('/store', async () => {
      await inPool(() => wait(storeTime));
      return { done: true };
    });
  },
});

const [guards] = process.argv.slice(2) as GuardSet[];
const settings = readSettings(shop.settings, { LOG_LEVEL: 'warn' });
const { app } = await buildService(shop, settings, { guards });
await app.listen({ port: 0, host: '127.0.0.1' });

process.on('disconnect', () => process.exit());
process.on('message', () => process.send?.({ port: (app.server.address() as AddressInfo).port }));
