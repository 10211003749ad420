import { Agent, type IncomingMessage, request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Verdict } from './open-load.ts';

export type Message = {
  method: string;
  path: string;
  headers?: Record<string, string>;
  /** Text is sent at once, lines as they come. */
  body?: string | AsyncIterable<string>;
  /** Called with the body of a success. */
  onSuccess?: (body: string) => void;
};

export type Client = {
  /** Sends a message once, without retries; resolves also when it fails. */
  send(message: Message): Promise<Verdict>;
  close(): void;
};

/** A client that is served slower than this would have gone; milliseconds. */
const patience = 20_000;

/**
 * A client as browsers and services are: it keeps its connections, reuses the one that was used last, and opens one
 * more when none is free.
 *
 * @param base address such as `http://localhost:8088`
 */
export function createClient(base: string): Client {
  const agent = new Agent({ keepAlive: true, scheduling: 'lifo' });
  return {
    async send(message) {
      try {
        const response = await exchange(base, agent, message);
        return judge(response, message);
      } catch (error) {
        return { outcome: 'failed', detail: reasonOf(error) };
      }
    },
    close: () => agent.destroy(),
  };
}

type Answer = { status: number; retryAfter: string | undefined; body: string };

function exchange(base: string, agent: Agent, message: Message): Promise<Answer> {
  const { method, path, headers, body } = message;
  return new Promise((resolve, reject) => {
    const sent = request(base + path, { method, headers, agent, signal: AbortSignal.timeout(patience) });
    sent.once('error', reject);
    sent.once('response', (response) => readAnswer(response).then(resolve, reject));
    if (typeof body === 'object') pipeline(Readable.from(body), sent).catch(reject);
    else sent.end(body);
  });
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += chunk;
  return { status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'], body };
}

function judge({ status, retryAfter, body }: Answer, { onSuccess }: Message): Verdict {
  if (status >= 200 && status < 300) {
    onSuccess?.(body);
    return { outcome: 'ok', detail: String(status) };
  }
  const code = /"code":"(\w+)"/.exec(body)?.[1] ?? 'no problem document';
  const shed = status === 503 && code === 'overloaded' && retryAfter !== undefined;
  return { outcome: shed ? 'shed' : 'failed', detail: `${status} ${code}` };
}

function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  return code ?? message ?? String(error);
}
