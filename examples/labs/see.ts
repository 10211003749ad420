/**
 * Prints what the console shows, from the same stream: `GET /api/v1/system/events` of the gateway.
 *
 *   node examples/labs/see.ts                       one reading
 *   node examples/labs/see.ts 'billing.*unready'    waits up to 60 s for lines that match, and prints them
 *
 * Environment: GATEWAY_PORT, as for `npm start`.
 */
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { type Replica, type SystemReading, streamSystem } from '@slipway/contracts/gateway';

const { GATEWAY_PORT = '8080' } = process.env;
const [pattern = ''] = process.argv.slice(2);

function linesOf({ at, services }: SystemReading): string[] {
  return services.flatMap(({ name, replicas }) =>
    replicas.flatMap((replica) => linesAbout(name, replica, at)),
  );
}

function linesAbout(name: string, { instance, state, down, requests, calls, backlog }: Replica, at: string) {
  const lines = [`${name} ${instance}: ${state}${down.length > 0 ? `, down: ${down.join(', ')}` : ''}`];
  if (requests) {
    const { count, failed, rejected, p99Ms } = requests;
    lines.push(`${name}: ${count} requests, ${failed} failed, ${rejected} rejected${slowest(p99Ms)}`);
  }
  for (const { to, count, failed, p99Ms, breaker } of calls) {
    const state = breaker ? `, breaker ${breaker}` : '';
    lines.push(`${name} → ${to}: ${count} calls, ${failed} failed${state}${slowest(p99Ms)}`);
  }
  if (backlog?.oldestAt) {
    const seconds = Math.round((Date.parse(at) - Date.parse(backlog.oldestAt)) / 1_000);
    lines.push(`${name}: ${backlog.waiting} events wait, the oldest for ${seconds} s`);
  }
  return lines;
}

const slowest = (p99Ms?: number) => (p99Ms === undefined ? '' : `, p99 ${p99Ms} ms`);

/** Returns the first lines that match. */
async function see(): Promise<string[]> {
  const signal = AbortSignal.timeout(60_000);
  const response = await fetch(`http://127.0.0.1:${GATEWAY_PORT}${streamSystem.url}`, { signal });
  if (!response.body) throw new Error('The gateway sends no stream');
  for await (const line of createInterface(Readable.fromWeb(response.body as never))) {
    if (!line.startsWith('data: ')) continue;
    const lines = linesOf(JSON.parse(line.slice('data: '.length)) as SystemReading);
    const found = lines.filter((each) => new RegExp(pattern).test(each));
    if (found.length > 0) return found;
  }
  throw new Error('The gateway has ended the stream');
}

try {
  console.log((await see()).join('\n'));
  process.exit();
} catch (error) {
  const isTime = (error as Error).name === 'TimeoutError';
  console.error(isTime ? `After a minute, no line matches ${pattern}` : (error as Error).message);
  process.exit(1);
}
