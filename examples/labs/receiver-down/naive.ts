import { createServer } from 'node:http';
import process from 'node:process';

const { PORT, READER_URL = '' } = process.env;

const server = createServer(async (request, response) => {
  const body = await request.toArray();
  const event = { method: 'POST', body: Buffer.concat(body) };
  fetch(READER_URL, event).catch(() => console.log('the event was not sent'));
  response.writeHead(201).end();
});
server.listen(Number(PORT), '127.0.0.1');
