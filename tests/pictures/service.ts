/** One of the services as a process, with a drain or, if NAIVE is set, without: as Node itself handles SIGTERM. */
import process from 'node:process';
import { billing } from '@slipway/billing/app';
import { gateway } from '@slipway/gateway/app';
import { run } from '@slipway/platform/service/run';
import { reporting } from '@slipway/reporting/app';
import { users } from '@slipway/users/app';

const services = { billing, gateway, reporting, users };
const { SERVICE, NAIVE } = process.env;

if (NAIVE) process.once('SIGTERM', () => process.exit(0));
await run(services[SERVICE as keyof typeof services] as typeof gateway, process);
