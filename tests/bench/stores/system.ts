/** The whole system on embedded stores and on real ones: both run at the same time, and have their turns. */
import { randomUUID } from 'node:crypto';
import { planOf } from '@slipway/billing/plans';
import { logIn } from '../../../scripts/client.ts';
import type { Participant } from '../../../scripts/demo/participants.ts';
import { bill, join, type Person, pay, refund, sendUsage } from '../../../scripts/demo/steps.ts';
import { type System, startSystem } from '../../support/system.ts';
import { median, withMiddleHalf } from '../statistics.ts';
import { rounded } from './rounds.ts';

const rounds = 3;
/** Of each round and system: usage records in two streams, and customers from sign-up to refund. */
const records = 6_000;
const customers = 6;

const env = { RATE_LIMIT: '1000000', RATE_LIMIT_SIGN_IN: '1000000' };
const kinds = ['sqlite', 'real'] as const;
type Rates = { usage: number; customers: number };
type Round = Record<(typeof kinds)[number], Rates>;

/** @returns rows of the table: what systems on embedded and on real stores do in a second, and their ratio */
export async function measureSystems(): Promise<string[][]> {
  const systems: System[] = [];
  try {
    for (const stores of kinds) systems.push(await startSystem({ stores, env }));
    const measured: Round[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      const rates = {} as Round;
      for (const [index, kind] of kinds.entries()) rates[kind] = await ratesOf(systems[index] as System);
      if (round > 0) measured.push(rates); // the first is the compiler's
    }
    return [
      row('usage records imported', measured, ({ usage }) => usage),
      row('customers from sign-up to refund', measured, ({ customers }) => customers),
    ];
  } finally {
    for (const system of systems) await system.stop();
  }
}

async function ratesOf({ base, admin: account }: System): Promise<Rates> {
  const noCount = () => undefined;
  const going = new AbortController().signal;
  const admin = await logIn(base, account, going);
  const importers = await join(base, participants(2, records / 2), noCount, going);
  const usage = await perSecond(records, () => sendUsage(importers, noCount));
  const served = await perSecond(customers, async () => {
    const people = await join(base, participants(customers, 100), noCount, going);
    await sendUsage(people, noCount);
    for (const { person, invoices } of await bill(people)) {
      const payment = invoices[0] && (await pay(person, invoices[0]));
      if (!payment) throw new Error('The bench has paid nothing');
      await refund(person as Person, payment, BigInt(payment.amount), admin);
    }
  });
  return { usage, customers: served };
}

function participants(count: number, records: number): Participant[] {
  return Array.from({ length: count }, () => {
    const name = `bench-${randomUUID()}`;
    return { name, seed: name, plan: planOf('starter'), records, methods: ['pm_ok'], refundPercent: 25 };
  });
}

async function perSecond(count: number, work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return count / ((performance.now() - startedAt) / 1_000);
}

function row(name: string, measured: Round[], of: (rates: Rates) => number): string[] {
  const middle = (kind: (typeof kinds)[number]) => rounded(median(measured.map((each) => of(each[kind]))));
  return [
    name,
    middle('sqlite'),
    middle('real'),
    withMiddleHalf(measured.map(({ real, sqlite }) => of(real) / of(sqlite))),
  ];
}
