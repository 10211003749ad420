import { median, middleHalf } from '../statistics.ts';

/** Does an operation once. */
export type Call = () => Promise<unknown>;
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

/** Calls a second of each way, in turn. @returns a row of the table */
export async function measure(operation: Operation): Promise<string[]> {
  for (const way of ways) await rateOf(operation[way], operation.inFlight); // for the compiler
  const measured: Record<Way, number>[] = [];
  const end = performance.now() + operationTime;
  while (measured.length < leastRounds || performance.now() < end) {
    const rates = { driver: 0, store: 0, service: 0 };
    for (const turn of ways.keys()) {
      const way = ways[(turn + measured.length) % ways.length] as Way;
      rates[way] = await rateOf(operation[way], operation.inFlight);
    }
    measured.push(rates);
  }
  const rate = (way: Way) => rounded(median(measured.map((rates) => rates[way])));
  return [
    operation.name,
    rate('driver'),
    rate('store'),
    ratio(measured.map(({ store, driver }) => store / driver)),
    ratio(measured.map(({ service, driver }) => service / driver)),
  ];
}

async function rateOf(call: Call, inFlight: number): Promise<number> {
  const startedAt = performance.now();
  let calls = 0;
  const caller = async () => {
    while (performance.now() - startedAt < roundTime) {
      await call();
      calls += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  return calls / ((performance.now() - startedAt) / 1_000);
}

/** Three digits: rounds do not agree on more. */
export function rounded(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** The middle one, and the range that half of them are in. */
export function ratio(values: number[]): string {
  const [low, high] = middleHalf(values);
  return `${median(values).toFixed(2)} (${low.toFixed(2)} – ${high.toFixed(2)})`;
}
