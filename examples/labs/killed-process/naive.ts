import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import process from 'node:process';

const { PORT, FILE = '' } = process.env;
const records: string[] = [];

const server = createServer((request, response) => {
  records.push(`${request.url}\n`);
  response.end('recorded\n');
});

// One write every five seconds instead of one for each request.
setInterval(() => appendFileSync(FILE, records.splice(0).join('')), 5_000);
server.listen(Number(PORT), '127.0.0.1');
