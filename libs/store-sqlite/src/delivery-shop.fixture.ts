import process from 'node:process';
import { run } from '@slipway/platform/service/run';
import { shop } from './delivery.fixture.ts';

/** The shop as a process of its own, which a test can kill. */
await run(shop, process);
