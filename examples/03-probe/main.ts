import { createServer } from 'node:http';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';

let greeting: string | undefined;

const server = createServer(async (request, response) => {
  if (greeting === undefined) {
    response.writeHead(503).end();
    return;
  }
  if (request.url !== '/status') await wait(50);
  response.end(`${greeting}\n`);
});
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');

await wait(500);
greeting = 'Hello World!';
