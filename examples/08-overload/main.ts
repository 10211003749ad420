import process from 'node:process';
import { run } from '@slipway/platform/service/run';
import { defineService } from '@slipway/platform/service/service';
import { platformSettings } from '@slipway/platform/service/settings';
import { createStore } from './store.ts';

const service = defineService({
  name: 'shop',
  version: '1.0.0',
  settings: platformSettings,
  register(app) {
    const query = createStore();
    app.get('/', async () => {
      await query();
      return 'done\n';
    });
  },
});

await run(service, process);
