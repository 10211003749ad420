/** Runs the service that `SERVICE` names, with a drain or, if NAIVE is set, without: as Node itself handles SIGTERM. */
import process from 'node:process';
import { run } from '@slipway/platform/service/run';
import type { ServiceName } from '../../scripts/system.ts';
import { definitionOf } from '../support/definitions.ts';

const { SERVICE, NAIVE } = process.env;

if (NAIVE) process.once('SIGTERM', () => process.exit(0));
await run(await definitionOf(SERVICE as ServiceName), process);
