import { Agent, request } from 'node:http';

type Message = { method: string; url: string; headers: Record<string, string>; body?: Buffer };

const agent = new Agent({ keepAlive: true });

/**
 * Sends a request as it is, and resolves with the status of its answer; 0 if the connection ends without one, as it
 * may when the sender does not mind a rejection.
 */
export function send({ method, url, headers, body }: Message): Promise<number> {
  return new Promise((resolve) => {
    const sent = request(url, { method, headers, agent, timeout: 60_000 });
    sent.once('response', (answer) => {
      answer.resume();
      answer.once('close', () => resolve(answer.statusCode ?? 0));
      if (!sent.writableFinished) setTimeout(() => sent.destroy(), 100);
    });
    sent.once('timeout', () => sent.destroy());
    sent.once('error', () => resolve(0));
    sent.end(body);
  });
}
