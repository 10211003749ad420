import process from 'node:process';
import { run } from '@slipway/platform/service/run';
import { billing } from './app.ts';

await run(billing, process);
