import { createServer } from 'node:http';
import process from 'node:process';

const { PORT, NEXT_URL = '', TIMEOUT_MS } = process.env;

/** Time limit of an attempt; milliseconds. Without the variable, it has none. */
const timeout = TIMEOUT_MS ? Number(TIMEOUT_MS) : undefined;

/** Tries four times, whatever happened. */
async function callNext(): Promise<boolean> {
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const signal = timeout ? AbortSignal.timeout(timeout) : null;
    const response = await fetch(NEXT_URL, { signal }).catch(() => undefined);
    await response?.body?.cancel();
    if (response?.ok) return true;
  }
  return false;
}

const server = createServer(async (_request, response) => {
  response.writeHead((await callNext()) ? 200 : 503).end();
});
server.listen(Number(PORT), '127.0.0.1');
