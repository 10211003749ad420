import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import process from 'node:process';

const { PORT, MANAGEMENT_PORT, STORE = '' } = process.env;

// The liveness probe asks for this: "healthy" means that everything works.
const management = createServer((_request, response) => {
  response.writeHead(existsSync(STORE) ? 200 : 503).end();
});
management.listen(Number(MANAGEMENT_PORT), '127.0.0.1');

createServer((_request, response) => response.end('done\n')).listen(Number(PORT), '127.0.0.1');
