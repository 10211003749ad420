import { createServer } from 'node:http';
import process from 'node:process';
import { json } from 'node:stream/consumers';

const notes: string[] = [];

const server = createServer(async (request, response) => {
  const { text } = (await json(request)) as { text: string };
  notes.push(text);
  response.writeHead(201).end(JSON.stringify({ id: notes.length, text }));
});
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
