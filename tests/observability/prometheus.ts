/** Questions to a Prometheus server, over its HTTP API. */

/** One time series of an answer: its labels, `__name__` among them, and its present value. */
type Sample = { labels: Record<string, string>; value: number };

type Alert = { labels: Record<string, string>; state: 'pending' | 'firing' };

/** `at` is its time, in seconds since 1970. */
type Exemplar = { labels: Record<string, string>; value: number; at: number };

export type Prometheus = {
  address: string;
  /**
   * Evaluates an expression now.
   *
   * @throws with Prometheus' own words, if the expression is wrong
   */
  query(expression: string): Promise<Sample[]>;
  /** The value of an expression that gives one series; `undefined` if it gives none. */
  value(expression: string): Promise<number | undefined>;
  /** Returns the alerts that are pending or firing. */
  alerts(): Promise<Alert[]>;
  /** Addresses of those that are told of alerts. */
  alertmanagers(): Promise<string[]>;
  /** The exemplars that were stored for a selector in the last hour. */
  exemplars(selector: string): Promise<Exemplar[]>;
};

type Vector = { result: { metric: Record<string, string>; value: [number, string] }[] };

export function prometheusAt(address: string): Prometheus {
  const get = async <T>(path: string, parameters: Record<string, string> = {}): Promise<T> => {
    const answer = await fetch(`${address}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const { data, error } = (await answer.json()) as { data: T; error?: string };
    if (error) throw new Error(`${path} ${JSON.stringify(parameters)}: ${error}`);
    return data;
  };
  const query = async (expression: string) => {
    const { result } = await get<Vector>('query', { query: expression });
    return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  };
  return {
    address,
    query,
    async value(expression) {
      const [sample, ...others] = await query(expression);
      if (others.length > 0) throw new Error(`${expression} gives ${others.length + 1} series`);
      return sample?.value;
    },
    alerts: async () => (await get<{ alerts: Alert[] }>('alerts')).alerts,
    alertmanagers: async () => {
      const { activeAlertmanagers } = await get<{ activeAlertmanagers: { url: string }[] }>('alertmanagers');
      return activeAlertmanagers.map(({ url }) => url);
    },
    async exemplars(selector) {
      const now = Date.now() / 1_000;
      const times = { start: String(now - 3_600), end: String(now + 60) };
      const series = await get<
        { exemplars: { labels: Record<string, string>; value: string; timestamp: number }[] }[]
      >('query_exemplars', { query: selector, ...times });
      const all = series.flatMap(({ exemplars }) => exemplars);
      return all.map(({ labels, value, timestamp }) => ({ labels, value: Number(value), at: timestamp }));
    },
  };
}
