import { loadFor } from '../support/load.ts';
import { startReplica, untilAnswers } from '../support/replica.ts';

/** Milliseconds after which a client gives up. */
const timeout = 1_000;
/** Of each part of a load. */
const seconds = 5;

/** Sends half of the load that the store can serve, and then four times as much as it can. */
async function measure(program: string): Promise<string[]> {
  const replica = await startReplica(new URL(program, import.meta.url));
  await untilAnswers(replica.port);
  const inTime = async (rate: number) => {
    const { ok = 0 } = await loadFor(seconds * 1_000, replica.port, rate, { timeout });
    return Math.round(ok / seconds);
  };
  const lines: string[] = [];
  for (const rate of [20, 160]) {
    const [first, then] = [await inTime(rate), await inTime(rate)];
    lines.push(`${program}: ${rate} requests/s; responses/s in time: at first ${first}, then ${then}`);
  }
  replica.stop('SIGKILL');
  return lines;
}

// Both at the same time: they wait for their stores, and hardly use the processor.
const curves = await Promise.all([measure('naive.ts'), measure('main.ts')]);
console.log(curves.flat().join('\n'));
