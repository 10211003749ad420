import { startReplica, untilListens } from '../support/replica.ts';

const right = '{"text":"Buy milk"}';
const wrong = ['{}', '{"titel":"Buy milk"}', '{"text":42}', '{"text":""}', '{"text":', 'null'];

/** Returns the status of the response, or `no response`. */
async function post(port: number, body: string): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const sent = fetch(`http://127.0.0.1:${port}/notes`, { method: 'POST', headers, body });
  return sent.then(({ status }) => String(status)).catch(() => 'no response');
}

async function measure(program: string): Promise<void> {
  const replica = await startReplica(new URL(program, import.meta.url), { LOG_LEVEL: 'silent' });
  await untilListens(replica.port);
  const statuses: string[] = [];
  for (const body of [right, ...wrong, right]) statuses.push(await post(replica.port, body));
  const [first, last] = [statuses[0], statuses.at(-1)];
  console.log(
    `${program}: a note: ${first}; wrong ones: ${statuses.slice(1, -1).join(', ')}; a note: ${last}`,
  );
  replica.stop('SIGKILL');
}

await measure('naive.ts');
await measure('main.ts');
