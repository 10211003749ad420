/** Counts the files of this repository in which a GET of one invoice runs, from the gateway to the store and back. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getInvoice, listInvoices, runBilling, subscribe } from '@slipway/contracts/billing';
import { logIn } from '@slipway/contracts/users';
import { ok } from '../support/http.ts';
import { eventually, newPerson } from '../support/people.ts';
import { type System, startSystem } from '../support/system.ts';
import { table, writeReport } from './report.ts';

const requests = 100;
const hook = new URL('./coverage-hook.ts', import.meta.url).href;

export async function filesCrossed(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-files-'));
  const system = await startSystem({
    env: { NODE_OPTIONS: `--import=${hook}`, COVERAGE_FOLDER: folder, BILLING_TEST_CLOCK: 'true' },
  });
  try {
    const read = await invoiceReader(system);
    await read(); // fills the caches of tokens and keys
    await callsSinceLast(system, folder);
    for (let request = 0; request < requests; request += 1) await read();
    const calls = await callsSinceLast(system, folder);
    // A file that ran less often belongs to a timer, not to the request.
    const files = [...calls]
      .filter(([file, count]) => count >= requests && /^(apps|libs)\//.test(file))
      .map(([file]) => file);
    console.log(files.sort().join('\n'));
    const layers = ['apps/gateway', 'apps/billing', 'libs/platform', 'libs/store-sqlite', 'libs/contract'];
    const rows = layers.map((layer) => [
      layer,
      String(files.filter((file) => file.startsWith(layer)).length),
    ]);
    writeReport('files-crossed', table(['', 'files'], [...rows, ['**all**', String(files.length)]]));
  } finally {
    await system.stop();
    rmSync(folder, { recursive: true });
  }
}

/** A customer with one invoice, and the request that reads it. */
async function invoiceReader({ base, admin }: System): Promise<() => Promise<unknown>> {
  const { token } = await newPerson(base);
  await ok(base, subscribe, { body: { planId: 'starter' } }, { token, key: 'one' });
  const { accessToken } = await ok(base, logIn, { body: admin });
  const asOf = new Date(Date.now() + 40 * 86_400_000).toISOString();
  await ok(base, runBilling, { body: { asOf } }, { token: accessToken });
  const { items } = await ok(base, listInvoices, { query: {} }, { token });
  const invoiceId = items[0]?.id ?? '';
  return () => ok(base, getInvoice, { params: { invoiceId } }, { token });
}

/** How often what has run in the gateway and in billing since the last call was called, by file. */
async function callsSinceLast({ services }: System, folder: string): Promise<Map<string, number>> {
  for (const file of readdirSync(folder)) rmSync(join(folder, file));
  const processes = [services.gateway, services.billing];
  for (const { pid } of processes) process.kill(pid, 'SIGUSR2');
  await eventually('coverage of both', async () => readdirSync(folder).length === processes.length);
  const counted = readdirSync(folder).flatMap(
    (file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as [string, number][],
  );
  return new Map(counted.toSorted(([, one], [, other]) => one - other));
}
