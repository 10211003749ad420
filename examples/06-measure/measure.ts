import { describe, loadFor, sendInTurn } from '../support/load.ts';
import { type Replica, startReplica, untilAnswers } from '../support/replica.ts';
import { type Counts, countsIn, errorRatio, isFiring } from './alert.ts';

const main = new URL('main.ts', import.meta.url);

async function scrape({ management }: Replica): Promise<Counts> {
  const response = await fetch(`http://127.0.0.1:${management}/metrics`);
  return countsIn(await response.text());
}

async function measure(name: string, env: Record<string, string>): Promise<void> {
  const replica = await startReplica(main, env);
  await untilAnswers(replica.management, '/status');
  console.log(`${name}: a look by hand: ${describe(await sendInTurn(5, replica.port))}`);
  const first = await scrape(replica);
  await loadFor(2_000, replica.port, 100);
  const second = await scrape(replica);
  await loadFor(1_000, replica.port, 100);
  const third = await scrape(replica);

  const [long, short] = [errorRatio(first, third), errorRatio(second, third)];
  const state = isFiring(long, short) ? 'firing' : 'inactive';
  const percent = (ratio: number) => `${(ratio * 100).toFixed(1)} %`;
  console.log(`${name}: failed in 3 s: ${percent(long)}, in 1 s: ${percent(short)}; the alert is ${state}`);
  replica.stop('SIGKILL');
}

await measure('version 1', {});
await measure('version 2', { FAIL_EVERY: '20' });
