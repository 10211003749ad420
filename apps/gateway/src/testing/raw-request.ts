import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A connection that has sent a part of a request, and the status of the response, 0 before there is one. */
export type RawRequest = { socket: Socket; status(): number };

/** Opens a connection, sends text as it is, and leaves the connection open. */
export async function sendRaw(base: string, text: string): Promise<RawRequest> {
  const { hostname, port } = new URL(base);
  const socket = connect(Number(port), hostname).setEncoding('latin1');
  let answer = '';
  socket
    .on('error', () => undefined)
    .on('data', (part) => {
      answer += part;
    });
  await once(socket, 'connect');
  socket.write(text);
  return { socket, status: () => Number(/^HTTP\/1.1 (\d+)/.exec(answer)?.[1] ?? 0) };
}

/** The head of a request with a chunked body, and its first chunk. */
export function unfinished(
  path: string,
  headers: Record<string, string> = {},
  chunk = '{',
  type = 'application/json',
): string {
  const fields = { host: 'x', 'content-type': type, 'transfer-encoding': 'chunked', ...headers };
  const lines = Object.entries(fields).map((each) => each.join(': '));
  return `POST ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${chunk.length.toString(16)}\r\n${chunk}\r\n`;
}
