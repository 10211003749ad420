import process from 'node:process';
import { Type } from '@slipway/contract-kit/type';
import { run } from '@slipway/platform/service/run';
import { defineService } from '@slipway/platform/service/service';
import { platformSettings } from '@slipway/platform/service/settings';

const hello = defineService({
  name: 'hello',
  version: '1.0.0',
  settings: Type.Object({
    ...platformSettings.properties,
    FAIL_EVERY: Type.Integer({ default: 0, description: 'Every request of this number fails; 0 means none' }),
  }),
  register(app, { settings: { FAIL_EVERY } }) {
    let received = 0;
    app.get('/', async () => {
      received += 1;
      if (FAIL_EVERY > 0 && received % FAIL_EVERY === 0) throw new Error('The greeting is lost');
      return 'Hello World!\n';
    });
  },
});

await run(hello, process);
