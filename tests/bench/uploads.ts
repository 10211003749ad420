import { randomUUID } from 'node:crypto';
import { importUsage, subscribe } from '@slipway/contracts/billing';
import { ok, sendLines } from '../support/http.ts';
import { newPerson, type Person } from '../support/people.ts';
import { type System, startSystem } from '../support/system.ts';
import { usageOf } from './process-usage.ts';
import { table } from './report.ts';
import { median, withMiddleHalf } from './statistics.ts';

const rounds = 7;
/** Records of an import. The smaller one shows whether memory grows with the number of records. */
const sizes = { small: 50_000, large: 200_000 };
/** Lines in one part of the body: about 16 KiB, as a client that reads a file sends it. */
const linesTogether = 100;
/** Milliseconds between two readings of the gateway's memory. */
const readingInterval = 20;

/** The cost of one import: wall time, CPU of both services, and the largest memory of the gateway meanwhile. */
type Cost = { ms: number; gatewayCpu: number; billingCpu: number; megabytes: number };
type Way = 'direct' | 'through';
type Round = Record<Way, Cost> & { small: Cost };

/** Measures an NDJSON import through the gateway, beside an equal one that is sent to billing directly. */
export async function uploads(): Promise<string[]> {
  const system = await startSystem({ env: { RATE_LIMIT: '1000000000' } });
  try {
    const person = await newPerson(system.base);
    const cost = (way: Way, records: number) => measureImport(system, person, way, records);
    await cost('through', sizes.small); // For the compiler.
    const measured: Round[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const small = await cost('through', sizes.small);
      const costs = {} as Record<Way, Cost>;
      // Billing's database grows with each import, so the two take turns in being the second.
      const ways: Way[] = round % 2 === 0 ? ['direct', 'through'] : ['through', 'direct'];
      for (const way of ways) costs[way] = await cost(way, sizes.large);
      measured.push({ ...costs, small });
      process.stdout.write(`  upload ${round + 1} of ${rounds}\n`);
    }
    return describe(measured);
  } finally {
    await system.stop();
  }
}

async function measureImport(system: System, { token }: Person, way: Way, records: number): Promise<Cost> {
  const { gateway, billing } = system.services;
  const body = await newBody(system, token, records);
  const cpuBefore = [usageOf(gateway.pid).cpuMs, usageOf(billing.pid).cpuMs] as const;
  const memory = watchMemory(gateway.pid);
  const address = way === 'through' ? gateway.address : billing.address;
  const startedAt = performance.now();
  const answer = await sendLines(address, importUsage, body, token).finally(() => memory.stop());
  const ms = performance.now() - startedAt;
  if (answer.body.accepted !== records) {
    throw new Error(`Not all records were accepted: ${JSON.stringify(answer.body)}`);
  }
  return {
    ms,
    gatewayCpu: usageOf(gateway.pid).cpuMs - cpuBefore[0],
    billingCpu: usageOf(billing.pid).cpuMs - cpuBefore[1],
    megabytes: memory.peak,
  };
}

/** Makes the body of an import for a new subscription, before it is sent: making it must not count. */
async function newBody({ base }: System, token: string, records: number): Promise<string[]> {
  const options = { token, key: randomUUID() };
  const subscription = await ok(base, subscribe, { body: { planId: 'starter' } }, options);
  const { id: subscriptionId, startedAt: at } = subscription;
  const lineOf = (n: number) =>
    `${JSON.stringify({ id: `usage-${n}`, subscriptionId, metric: 'api_calls', quantity: 7, at })}\n`;
  return Array.from({ length: records / linesTogether }, (_, part) =>
    Array.from({ length: linesTogether }, (__, n) => lineOf(part * linesTogether + n)).join(''),
  );
}

function watchMemory(pid: number) {
  const watched = { peak: 0, stop: () => clearInterval(timer) };
  const timer = setInterval(() => {
    const { ownMegabytes, sharedMegabytes } = usageOf(pid);
    watched.peak = Math.max(watched.peak, ownMegabytes + sharedMegabytes);
  }, readingInterval);
  return watched;
}

function describe(measured: Round[]): string[] {
  const direct = measured.map((round) => round.direct);
  const through = measured.map((round) => round.through);
  const small = measured.map((round) => round.small);
  const middle = (costs: Cost[], of: (cost: Cost) => number) => median(costs.map(of)).toFixed(0);
  const cells = (costs: Cost[]) => [
    middle(costs, timeOf),
    middle(costs, billingOf),
    middle(costs, gatewayOf),
  ];
  const against = (of: (cost: Cost) => number) =>
    withMiddleHalf(measured.map((round) => of(round.through) / of(round.direct)));
  const head = ['', 'ms', 'CPU of billing, ms', 'CPU of the gateway, ms', 'CPU against direct', 'time'];
  const peak = (records: number, costs: Cost[]) => [records.toLocaleString('en'), middle(costs, peakOf)];
  return [
    ...table(head, [
      ['to billing directly', ...cells(direct), '1.00', '1.00'],
      ['through the gateway', ...cells(through), against(cpuOf), against(timeOf)],
    ]),
    '',
    ...table(
      ['records of an import through the gateway', 'largest memory of the gateway, MB'],
      [peak(sizes.small, small), peak(sizes.large, through)],
    ),
  ];
}

const timeOf = ({ ms }: Cost) => ms;
const billingOf = ({ billingCpu }: Cost) => billingCpu;
const gatewayOf = ({ gatewayCpu }: Cost) => gatewayCpu;
const cpuOf = ({ billingCpu, gatewayCpu }: Cost) => billingCpu + gatewayCpu;
const peakOf = ({ megabytes }: Cost) => megabytes;
