import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { answers, type Replica, startReplica, untilAnswers } from '../../support/replica.ts';

/** Milliseconds between two probes; so many failures in a row restart the process, as in Kubernetes. */
const [period, threshold] = [200, 3];

/** Milliseconds for which the store is down. */
const outage = 8_000;

/** Runs a program with a liveness probe while its store is down, and counts its restarts. */
async function measure(program: string): Promise<string> {
  const scratch = mkdtempSync(join(tmpdir(), 'slipway-lab-'));
  const STORE = join(scratch, 'store');
  writeFileSync(STORE, '');
  const start = () => startReplica(new URL(program, import.meta.url), { STORE, LOG_LEVEL: 'silent' });
  let replica = await start();
  await untilAnswers(replica.management, '/health');
  rmSync(STORE);
  const downAt = performance.now();
  let restarts = 0;
  while (performance.now() - downAt < outage) {
    if (await isAlive(replica)) continue;
    await stop(replica);
    restarts += 1;
    replica = await start();
    await wait(500);
  }
  writeFileSync(STORE, '');
  await untilAnswers(replica.management, '/status');
  await stop(replica);
  rmSync(scratch, { recursive: true });
  return `${program}: ${restarts} restarts while the store was down; ready when it was back`;
}

/** Returns false after so many failed probes in a row, and true after one that succeeded. */
async function isAlive({ management }: Replica): Promise<boolean> {
  for (let failed = 0; failed < threshold; failed += 1) {
    const isHealthy = await answers(management, '/health');
    await wait(period);
    if (isHealthy) return true;
  }
  return false;
}

async function stop(replica: Replica): Promise<void> {
  replica.stop('SIGKILL');
  await replica.exited;
}

console.log((await Promise.all([measure('naive.ts'), measure('main.ts')])).join('\n'));
