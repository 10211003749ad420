import process from 'node:process';
import { run } from '../service/run.ts';
import { shop } from './delivery.fixture.ts';

/** The shop as a process of its own, which a test can kill. */
await run(shop, process);
