import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';

export const megabyte = 1_048_576;

/** Starts an upload whose body the test writes itself. */
export function startUpload(url: string, headers: Record<string, string>): ClientRequest {
  const request = httpRequest(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', ...headers },
  });
  return request.on('error', () => undefined);
}

export function answerTo(request: ClientRequest): Promise<{ response: IncomingMessage; body: string }> {
  return new Promise((resolve, reject) => {
    request.once('error', reject);
    request.once('response', async (response) => resolve({ response, body: await text(response) }));
  });
}

/** The same chunk again and again, so that the source itself needs no memory. */
export function* bytes(total: number, counted: (sent: number) => void = () => undefined) {
  const chunk = Buffer.alloc(65_536, 'x');
  for (let sent = 0; sent < total; sent += chunk.length) {
    yield chunk;
    counted(sent + chunk.length);
  }
}

/** Resolves with the value once it has not changed for a while. */
export async function settled(value: () => number, deadline = Date.now() + 10_000): Promise<number> {
  let [last, since] = [value(), Date.now()];
  while (Date.now() - since < 300 && Date.now() < deadline) {
    await wait(20);
    if (value() !== last) [last, since] = [value(), Date.now()];
  }
  return last;
}

export async function countBytes(body: AsyncIterable<Buffer>): Promise<number> {
  let count = 0;
  for await (const chunk of body) count += chunk.length;
  return count;
}
