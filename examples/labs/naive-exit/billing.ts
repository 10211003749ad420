/** A replica of billing. With NAIVE it ends as Node ends by itself, at once, and without it as the platform does. */
import process from 'node:process';
import { run } from '@slipway/platform/service/run';
import { billing } from '../../../apps/billing/src/app.ts';

if (process.env.NAIVE) process.once('SIGTERM', () => process.exit(0));
await run(billing, process);
