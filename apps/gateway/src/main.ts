import { run } from '@slipway/platform/run';
import { gateway } from './app.ts';

await run(gateway, process);
