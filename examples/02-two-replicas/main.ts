import { createServer } from 'node:http';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';

let greeting: string | undefined;

const server = createServer(async (_request, response) => {
  if (greeting === undefined) {
    response.writeHead(503).end();
    return;
  }
  await wait(50);
  response.end(`${greeting}\n`);
});
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');

// Stands for what a real service does first: connect to a database, fill a cache.
await wait(500);
greeting = 'Hello World!';
