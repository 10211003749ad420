/** Questions to an Alertmanager, over its HTTP API. */

type Labels = Record<string, string>;

export type Alertmanager = {
  address: string;
  /** Returns its alerts: sent (`active`), inhibited by another alert (`suppressed`), or not yet processed. */
  alerts(): Promise<{ labels: Labels; state: 'unprocessed' | 'active' | 'suppressed' }[]>;
  /** Hands alerts in, as Prometheus does. */
  post(alerts: Labels[]): Promise<void>;
};

type Held = { labels: Labels; status: { state: 'unprocessed' | 'active' | 'suppressed' } };

export function alertmanagerAt(address: string): Alertmanager {
  const url = `${address}/api/v2/alerts`;
  return {
    address,
    async alerts() {
      const held = (await (await fetch(url)).json()) as Held[];
      return held.map(({ labels, status }) => ({ labels, state: status.state }));
    },
    async post(alerts) {
      const body = JSON.stringify(alerts.map((labels) => ({ labels })));
      const answer = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      if (!answer.ok) throw new Error(`Alertmanager: ${answer.status} ${await answer.text()}`);
    },
  };
}
