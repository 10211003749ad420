import process from 'node:process';
import { Type } from '@slipway/contract-kit/type';
import { run } from '@slipway/platform/service/run';
import { defineService } from '@slipway/platform/service/service';
import { platformSettings } from '@slipway/platform/service/settings';

const caller = defineService({
  name: 'caller',
  version: '1.0.0',
  settings: Type.Object({
    ...platformSettings.properties,
    NEXT_URL: Type.String({ description: 'Address of the service that is called' }),
  }),
  register(app, { settings, upstream }) {
    const next = upstream('next', settings.NEXT_URL);
    app.get('/', async () => {
      await next.exchange({ method: 'GET', path: '/' }, ({ body }) => body.text());
      return 'done\n';
    });
  },
});

await run(caller, process);
