import { createServer } from 'node:http';
import process from 'node:process';
import { createStore } from './store.ts';

const query = createStore();

const server = createServer(async (_request, response) => {
  await query();
  response.end('done\n');
});
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
