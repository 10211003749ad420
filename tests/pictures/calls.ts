/** How often one part of the system has called another: a service, or its store. */
export type Call = { from: string; to: string; count: number };

/** The processes of each service. */
type Sources = Record<string, { management: string }[]>;

/** Reads from the metrics of all processes which parts have called which. */
export async function callsOf(sources: Sources, managementToken: string): Promise<Call[]> {
  const headers = { authorization: `Bearer ${managementToken}` };
  const all = Object.entries(sources).map(async ([from, processes]) => {
    const texts = processes.map(async ({ management }) =>
      (await fetch(`${management}/metrics`, { headers })).text(),
    );
    return callsIn(from, (await Promise.all(texts)).join('\n'));
  });
  return (await Promise.all(all)).flat();
}

export function callsIn(from: string, metrics: string): Call[] {
  const counts = metrics.matchAll(
    /^dependency_call_duration_seconds_count\{.*\bdependency="([\w-]+)".*\} (\d+)$/gm,
  );
  const calls = new Map<string, number>();
  for (const [, to = '', count] of counts) calls.set(to, (calls.get(to) ?? 0) + Number(count));
  return [...calls].map(([to, count]) => ({ from, to, count }));
}

/** The calls that came after `before`; 0 where there were none. */
export function difference(calls: Call[], before: Call[]): Call[] {
  const earlier = (call: Call) =>
    before.find(({ from, to }) => from === call.from && to === call.to)?.count ?? 0;
  return calls.map((call) => ({ ...call, count: call.count - earlier(call) }));
}
