/** Questions to a Zipkin server, over its HTTP API. */

/** @see https://zipkin.io/zipkin-api/#/default/get_trace__traceId_ */
export type Span = {
  traceId: string;
  parentId?: string;
  id: string;
  name: string;
  kind?: 'CLIENT' | 'SERVER' | 'PRODUCER' | 'CONSUMER';
  /** Microseconds. */
  timestamp: number;
  duration?: number;
  localEndpoint: { serviceName: string };
  remoteEndpoint?: { serviceName?: string };
  tags?: Record<string, string>;
};

/** How often one part called another, and how often that failed. */
type Edge = { parent: string; child: string; callCount: number; errorCount?: number };

export type Zipkin = {
  address: string;
  /** The spans of a trace; none if Zipkin does not know it. */
  trace(traceId: string): Promise<Span[]>;
  /** All traces of the last hour. */
  traces(): Promise<Span[][]>;
  /** The edges of the dependency graph of the last hour. */
  dependencies(): Promise<Edge[]>;
};

const hour = 3_600_000;

export function zipkinAt(address: string): Zipkin {
  const get = async <T>(path: string): Promise<T | undefined> => {
    const answer = await fetch(`${address}/api/v2/${path}`);
    if (answer.status === 404) return undefined;
    if (!answer.ok) throw new Error(`Zipkin answered ${path} with ${answer.status}`);
    return (await answer.json()) as T;
  };
  return {
    address,
    trace: async (traceId) => (await get<Span[]>(`trace/${traceId}`)) ?? [],
    traces: async () => (await get<Span[][]>(`traces?limit=100000&lookback=${hour}`)) ?? [],
    dependencies: async () => (await get<Edge[]>(`dependencies?endTs=${Date.now()}&lookback=${hour}`)) ?? [],
  };
}
