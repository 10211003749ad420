import { createServer } from 'node:http';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';

const server = createServer(async (request, response) => {
  if (request.url === '/status') {
    response.end();
    return;
  }
  await wait(100);
  response.end('Hello World!\n');
});
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');

if (process.env.ON_SIGTERM === 'close') {
  process.on('SIGTERM', () => {
    server.close(() => process.exit(0));
  });
}
