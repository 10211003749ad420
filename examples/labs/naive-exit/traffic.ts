import { setTimeout as wait } from 'node:timers/promises';
import type { Outcomes } from '../../support/load.ts';

/** How the requests of each kind ended. */
export type Results = Record<'small requests' | 'uploads', Outcomes>;

/** Uploads at the same time, and the lines of each, of which one is sent every 100 ms. */
const [uploads, lines] = [4, 20];

type Person = { base: string; token: string; subscriptionId: string };

/** Sends small requests and uploads of two seconds until it is stopped; none is sent again. */
export function startTraffic({ base, token, subscriptionId }: Person) {
  const results: Results = { 'small requests': {}, uploads: {} };
  let isOn = true;
  let sent = 0;

  async function send(kind: keyof Results, path: string, init?: RequestInit): Promise<void> {
    const response = await fetch(`${base}${path}`, init).catch(() => undefined);
    await response?.text().catch(() => undefined);
    const outcome = response?.ok ? 'ok' : String(response?.status ?? 'no response');
    results[kind][outcome] = (results[kind][outcome] ?? 0) + 1;
  }
  async function* records() {
    for (let line = 0; line < lines; line += 1) {
      sent += 1;
      const at = new Date().toISOString();
      yield `${JSON.stringify({ id: `n${sent}`, subscriptionId, metric: 'api_calls', quantity: 1, at })}\n`;
      await wait(100);
    }
  }
  const upload = () =>
    send('uploads', '/api/v1/usage/import', {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
      body: ReadableStream.from(records()).pipeThrough(new TextEncoderStream()),
      duplex: 'half',
    });
  const repeat = async (work: () => Promise<unknown>) => {
    while (isOn) await work();
  };
  const look = () => Promise.all([send('small requests', '/api/v1/plans'), wait(100)]);
  const all = [repeat(look), ...Array.from({ length: uploads }, () => repeat(upload))];
  return {
    async stop(): Promise<Results> {
      isOn = false;
      await Promise.all(all);
      return results;
    },
  };
}
