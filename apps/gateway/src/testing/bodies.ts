import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';

export const megabyte = 1_048_576;

/** Starts an upload. The test writes its body. */
export function startUpload(url: string, headers: Record<string, string>): ClientRequest {
  const request = httpRequest(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', ...headers },
  });
  return request.on('error', () => undefined);
}

/** Waits for the response to a request, and reads its body. */
export function responseTo(request: ClientRequest): Promise<{ response: IncomingMessage; body: string }> {
  return new Promise((resolve, reject) => {
    request.once('error', reject);
    request.once('response', async (response) => resolve({ response, body: await text(response) }));
  });
}

/** Generates a body that needs no memory, by repeating one chunk. */
export function* bytes(total: number, counted: (sent: number) => void = () => undefined) {
  const chunk = Buffer.alloc(65_536, 'x');
  for (let sent = 0; sent < total; sent += chunk.length) {
    yield chunk;
    counted(sent + chunk.length);
  }
}

/** Resolves with the value when it has not changed for 300 ms, or at the deadline. */
export async function settled(value: () => number, deadline = Date.now() + 10_000): Promise<number> {
  let [last, since] = [value(), Date.now()];
  while (Date.now() - since < 300 && Date.now() < deadline) {
    await wait(20);
    if (value() !== last) [last, since] = [value(), Date.now()];
  }
  return last;
}

/** Reads a body and returns its size. */
export async function countBytes(body: AsyncIterable<Buffer>): Promise<number> {
  let count = 0;
  for await (const chunk of body) count += chunk.length;
  return count;
}
