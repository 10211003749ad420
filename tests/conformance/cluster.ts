/**
 * Checks what the services in a cluster promise, from inside of it: `skaffold verify` runs it as a Job. A process's
 * metrics are its own, so one replica of each service is checked, at its own address.
 */
import { lookup } from 'node:dns/promises';
import { checkAndPrint } from './report.ts';
import { describeRunning } from './slipway.ts';
import { type Addresses, Target } from './target.ts';

/** Ports of each service in a cluster. */
const ports = { http: 8080, management: 9080 };

/** Returns the addresses of a replica. The headless Service of each service lists those that are ready. */
async function replicaOf(service: string): Promise<Addresses> {
  const { address, family } = await lookup(`${service}-headless`);
  const host = family === 6 ? `[${address}]` : address;
  return { base: `http://${host}:${ports.http}`, management: `http://${host}:${ports.management}` };
}

const { SLIPWAY_URL: base = '', SLIPWAY_ADMIN_EMAIL, SLIPWAY_ADMIN_PASSWORD } = process.env;
const admin = { email: SLIPWAY_ADMIN_EMAIL ?? '', password: SLIPWAY_ADMIN_PASSWORD ?? '' };
let broken = 0;
for (const description of await describeRunning({ base, admin })) {
  broken += await checkAndPrint(new Target(description, await replicaOf(description.name)));
}
process.exitCode = broken === 0 ? 0 : 1;
