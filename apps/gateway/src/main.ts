import process from 'node:process';
import { run } from '@slipway/platform/service/run';
import { gateway } from './app.ts';

await run(gateway, process);
