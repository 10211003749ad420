import { createServer } from 'node:http';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';

const { NAME, PORT, NEXT_URL } = process.env;

const server = createServer(async (request, response) => {
  if (request.url === '/status') return response.end();
  const startedAt = performance.now();
  await wait(Math.random() * 50);
  if (NEXT_URL) await (await fetch(NEXT_URL)).text();
  console.log(JSON.stringify({ service: NAME, ms: Math.round(performance.now() - startedAt) }));
  response.end('done\n');
});
server.listen(Number(PORT), '127.0.0.1');
