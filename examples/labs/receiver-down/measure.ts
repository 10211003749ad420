import { createServer } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { listen } from '../../support/ports.ts';
import { startReplica, untilListens } from '../../support/replica.ts';

/** Requests of each part: while the reader is up, while it is down, and when it is up again. */
const requests = 10;

let isDown = false;
let arrived = 0;
let failed = 0;
const reader = createServer((request, response) => {
  arrived += 1;
  request.resume();
  response.end();
});
reader.on('connection', (socket) => {
  if (!isDown) return;
  failed += 1;
  socket.destroy();
});
const READER_URL = `http://127.0.0.1:${await listen(reader)}`;
const naive = await startReplica(new URL('naive.ts', import.meta.url), { READER_URL });
await untilListens(naive.port);

let acknowledged = 0;
async function signUp(): Promise<void> {
  for (let n = 0; n < requests; n += 1) {
    const { status } = await fetch(`http://127.0.0.1:${naive.port}`, { method: 'POST', body: 'Ada' });
    if (status === 201) acknowledged += 1;
  }
}

await signUp();
while (arrived < requests) await wait(50);
isDown = true;
reader.closeAllConnections();
await signUp();
while (failed < requests) await wait(50);
isDown = false;
await signUp();
while (arrived < 2 * requests) await wait(50);
await wait(2_000);
naive.stop('SIGKILL');
reader.close();
reader.closeAllConnections();
console.log(
  `naive.ts: ${acknowledged} sign-ups acknowledged, ${arrived} events arrived, ${acknowledged - arrived} lost`,
);
