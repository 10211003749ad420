import { type Replica, startReplica, untilAnswers } from '../support/replica.ts';
import { draw, type Span, startCollector, tracesIn } from './collector.ts';

const requests = 20;
const names = ['shop', 'prices', 'stock'];

/** Starts stock, then prices, which calls stock, then shop, which calls prices. */
async function startChain(program: string, env: Record<string, string> = {}): Promise<Replica[]> {
  const chain: Replica[] = [];
  for (const NAME of names.toReversed()) {
    const [next] = chain;
    const NEXT_URL = next ? `http://127.0.0.1:${next.port}` : '';
    const NEXT_NAME = names[names.indexOf(NAME) + 1] ?? '';
    const main = new URL(program, import.meta.url);
    const replica = await startReplica(main, { ...env, NAME, NEXT_URL, NEXT_NAME });
    await untilAnswers(program === 'main.ts' ? replica.management : replica.port, '/status');
    chain.unshift(replica);
  }
  return chain;
}

async function send([shop]: Replica[], path: string): Promise<void> {
  const sent = Array.from({ length: requests }, () => fetch(`http://127.0.0.1:${shop?.port}${path}`));
  await Promise.all((await Promise.all(sent)).map((response) => response.text()));
}

async function stop(chain: Replica[]): Promise<string> {
  for (const replica of chain) replica.stop();
  return (await Promise.all(chain.map(({ output }) => output))).join('');
}

async function measureLogs(): Promise<void> {
  const chain = await startChain('naive.ts');
  await send(chain, '/');
  const lines = (await stop(chain)).trim().split('\n');
  const named = lines.filter((line) => 'traceId' in JSON.parse(line));
  console.log(`logs: ${lines.length} lines, ${named.length} of them say to which request they belong`);
}

async function measureTraces(): Promise<void> {
  const collector = await startCollector();
  const chain = await startChain('main.ts', {
    OTEL_TRACES_EXPORTER: 'zipkin',
    OTEL_EXPORTER_ZIPKIN_ENDPOINT: collector.endpoint,
    OTEL_TRACES_SAMPLER: 'always_on',
    DRAIN_DELAY_MS: '0',
  });
  await send(chain, '/work');
  await stop(chain); // A service sends its last spans before it ends.
  collector.close();
  const traces = tracesIn(collector.spans).filter(isWhole);
  console.log(`traces: ${traces.length}, each over ${names.length} services; the slowest:`);
  const [slowest] = traces.toSorted((a, b) => durationOf(b) - durationOf(a));
  console.log(draw(slowest ?? []).join('\n'));
}

const isWhole = (trace: Span[]) => names.every((name) => trace.some((span) => isOf(span, name)));
const isOf = ({ localEndpoint }: Span, name: string) => localEndpoint.serviceName === name;
const durationOf = (trace: Span[]) => Math.max(...trace.map(({ duration }) => duration));

await measureLogs();
await measureTraces();
