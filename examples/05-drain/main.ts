import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { run } from '@slipway/platform/service/run';
import { defineService } from '@slipway/platform/service/service';
import { platformSettings } from '@slipway/platform/service/settings';

const hello = defineService({
  name: 'hello',
  version: '1.0.0',
  settings: platformSettings,
  register(app) {
    app.get('/', async () => {
      await wait(100);
      return 'Hello World!\n';
    });
  },
});

await run(hello, process);
