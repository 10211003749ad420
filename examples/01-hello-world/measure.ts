import { setTimeout as wait } from 'node:timers/promises';
import { describe, startLoad } from '../support/load.ts';
import { openService } from '../support/local-service.ts';
import { startReplica, untilAnswers } from '../support/replica.ts';

const main = new URL('main.ts', import.meta.url);
const service = await openService();

async function start() {
  const replica = await startReplica(main);
  await untilAnswers(replica.port);
  service.add(replica.port);
  return replica;
}

const first = await start();
const load = startLoad(service.port, 100);
await wait(1_000);

// A new version: stop the program, and start it again.
first.stop('SIGTERM');
await first.exited;
service.remove(first.port);
const second = await start();

await wait(1_000);
console.log(`one replica, restarted once: ${describe(await load.stop())}`);
second.stop();
service.close();
