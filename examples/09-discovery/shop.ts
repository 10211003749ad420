import process from 'node:process';
import { Type } from '@slipway/contract-kit/type';
import { run } from '@slipway/platform/service/run';
import { defineService } from '@slipway/platform/service/service';
import { platformSettings, ServiceUrl } from '@slipway/platform/service/settings';

const shop = defineService({
  name: 'shop',
  version: '1.0.0',
  settings: Type.Object({
    ...platformSettings.properties,
    QUOTES_URL: ServiceUrl({ default: 'http://127.0.0.1:3000', description: 'Address of quotes' }),
  }),
  register(app, { settings: { QUOTES_URL }, upstream }) {
    const quotes = upstream('quotes', QUOTES_URL);
    app.get('/', () => quotes.exchange({ method: 'GET', path: '/quote' }, ({ body }) => body.text()));
  },
});

await run(shop, process);
