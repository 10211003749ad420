/** A small service with admission and one without, in one process: they differ in nothing else, not even in their process. */
import type { AddressInfo } from 'node:net';
import type { GuardSet } from '@slipway/platform/overload/guards';
import { buildService, defineService } from '@slipway/platform/service/service';
import { platformSettings, readSettings } from '@slipway/platform/service/settings';

const small = defineService({
  name: 'small',
  version: '0',
  settings: platformSettings,
  register(app) {
    app.get('/small', async () => ({ done: true }));
  },
});

async function listen(guards: GuardSet): Promise<number> {
  const settings = readSettings(small.settings, { LOG_LEVEL: 'warn' });
  const { app } = await buildService(small, settings, { guards });
  await app.listen({ port: 0, host: '127.0.0.1' });
  return (app.server.address() as AddressInfo).port;
}

// In the order of the arguments: who is built first may have it better.
const ports: Record<string, number> = {};
for (const guards of process.argv.slice(2) as GuardSet[]) ports[guards] = await listen(guards);

process.on('disconnect', () => process.exit());
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ ports, cpu: user + system });
});
