import { run } from '@slipway/platform/run';
import { reporting } from './app.ts';

await run(reporting, process);
