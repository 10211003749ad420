import { createServer } from 'node:http';
import process from 'node:process';

const server = createServer((_request, response) => {
  response.end('Hello World!\n');
});
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
