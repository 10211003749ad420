import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { run } from '@slipway/platform/service/run';
import { defineService } from '@slipway/platform/service/service';
import { platformSettings } from '@slipway/platform/service/settings';

const quotes = defineService({
  name: 'quotes',
  version: '1.0.0',
  settings: platformSettings,
  register(app) {
    app.get('/quote', async () => {
      await wait(50);
      return 'Measure everything!\n';
    });
  },
});

await run(quotes, process);
