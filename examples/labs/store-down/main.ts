import { access } from 'node:fs/promises';
import process from 'node:process';
import { Type } from '@slipway/contract-kit/type';
import { run } from '@slipway/platform/service/run';
import { defineService } from '@slipway/platform/service/service';
import { platformSettings } from '@slipway/platform/service/settings';

const service = defineService({
  name: 'shop',
  version: '1.0.0',
  settings: Type.Object({
    ...platformSettings.properties,
    STORE: Type.String({
      description: 'A file that stands for a store: it is up as long as the file exists',
    }),
  }),
  openStore: ({ STORE }) => ({ ping: () => access(STORE), close: async () => undefined }),
  register(app) {
    app.get('/', async () => 'done\n');
  },
});

await run(service, process);
