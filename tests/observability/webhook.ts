import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** One alert as Alertmanager tells it. */
type Told = {
  status: 'firing' | 'resolved';
  labels: Record<string, string>;
  annotations: Record<string, string>;
};

export type Webhook = {
  url: string;
  /** All alerts that came, oldest first. */
  told: Told[];
  stop(): Promise<void>;
};

/**
 * Starts a receiver of alerts, as a chat or a pager has it.
 *
 * @see https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
 */
export async function startWebhook(): Promise<Webhook> {
  const told: Told[] = [];
  const server = createServer(async (request, response) => {
    const { alerts } = (await json(request)) as { alerts: Told[] };
    told.push(...alerts);
    response.end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/alerts`,
    told,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
