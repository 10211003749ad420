import process from 'node:process';
import { run } from '@slipway/platform/service/run';
import { users } from './app.ts';

await run(users, process);
