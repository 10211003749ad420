import process from 'node:process';
import { shop } from './delivery.fixture.ts';
import { run } from './run.ts';

/** The shop as a process of its own, which a test can kill. */
await run(shop, process);
