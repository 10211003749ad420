import { median, withMiddleHalf } from '../statistics.ts';

/** Does an operation once. */
type Call = () => Promise<unknown>;
/** The operations of a store by what they are called on the page. */
export type Calls<Name extends string> = Record<Name, Call>;

/** The same operation by the driver alone, by our store, and by the store with the metric that a service adds. */
const ways = ['driver', 'store', 'service'] as const;
type Way = (typeof ways)[number];
export type Operation = { name: string; inFlight: number } & Record<Way, Call>;

/** Milliseconds that each way has in a round; an operation that has begun is waited for. */
const roundTime = 40;
/** Many short rounds: load of others that comes and goes then meets all ways alike. */
const operationTime = 4_000;
const leastRounds = 7;

/** Calls a second, and microseconds of CPU that a call costs in this process. */
type Cost = { rate: number; cpu: number };

export const head = [
  '',
  'driver alone, a second',
  'store',
  'store against driver',
  'with its metric',
  'CPU of the caller, driver, µs',
  'store',
];

/** Measures each way of an operation in turn. @returns a row of the table */
export async function measure(operation: Operation): Promise<string[]> {
  for (const way of ways) await costOf(operation[way], operation.inFlight); // for the compiler
  const measured: Record<Way, Cost>[] = [];
  const end = performance.now() + operationTime;
  while (measured.length < leastRounds || performance.now() < end) {
    const costs = {} as Record<Way, Cost>;
    for (const turn of ways.keys()) {
      const way = ways[(turn + measured.length) % ways.length] as Way;
      costs[way] = await costOf(operation[way], operation.inFlight);
    }
    measured.push(costs);
  }
  const middle = (way: Way, of: keyof Cost) => rounded(median(measured.map((costs) => costs[way][of])));
  const againstDriver = (way: Way) =>
    withMiddleHalf(measured.map((costs) => costs[way].rate / costs.driver.rate));
  return [
    operation.name,
    middle('driver', 'rate'),
    middle('store', 'rate'),
    againstDriver('store'),
    againstDriver('service'),
    middle('driver', 'cpu'),
    middle('store', 'cpu'),
  ];
}

async function costOf(call: Call, inFlight: number): Promise<Cost> {
  const before = process.cpuUsage();
  const startedAt = performance.now();
  let calls = 0;
  const caller = async () => {
    while (performance.now() - startedAt < roundTime) {
      await call();
      calls += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  const { user, system } = process.cpuUsage(before);
  return { rate: calls / ((performance.now() - startedAt) / 1_000), cpu: (user + system) / calls };
}

/** Three digits: rounds do not agree on more. */
export function rounded(value: number): string {
  return String(Number(value.toPrecision(3)));
}
