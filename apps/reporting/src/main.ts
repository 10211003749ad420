import process from 'node:process';
import { run } from '@slipway/platform/service/run';
import { reporting } from './app.ts';

await run(reporting, process);
