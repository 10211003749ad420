import process from 'node:process';
import { run } from '@slipway/platform/service/run';
import { shop } from './delivery.fixture.ts';

/** Runs the shop as a separate process, which a test can kill. */
await run(shop, process);
