import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { Type } from '@slipway/contract-kit/type';
import { run } from '@slipway/platform/service/run';
import { defineService } from '@slipway/platform/service/service';
import { platformSettings } from '@slipway/platform/service/settings';

const { NAME = 'shop', NEXT_NAME = 'next' } = process.env;

const service = defineService({
  name: NAME,
  version: '1.0.0',
  settings: Type.Object({
    ...platformSettings.properties,
    NEXT_URL: Type.Optional(Type.String({ description: 'Address of the next service' })),
  }),
  register(app, { settings: { NEXT_URL }, upstream }) {
    const next = NEXT_URL ? upstream(NEXT_NAME, NEXT_URL) : undefined;
    app.get('/work', async () => {
      await wait(Math.random() * 50);
      await next?.exchange({ method: 'GET', path: '/work' }, ({ body }) => body.text());
      return 'done\n';
    });
  },
});

await run(service, process);
