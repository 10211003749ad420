/** Opens the stores as the services do, with the data that their hot operations need. */
import { openStore as openBilling } from '@slipway/billing/store/open';
import type { Subscription } from '@slipway/billing/subscriptions';
import { createMetrics } from '@slipway/platform/telemetry/metrics';
import { observeStore } from '@slipway/platform/telemetry/observe-store';
import { openStore as openReporting } from '@slipway/reporting/store/open';
import type { Account } from '@slipway/users/accounts';
import { openStore as openUsers } from '@slipway/users/store/open';
import {
  type BillingCalls,
  billingCalls,
  billingOperations,
  type ReportingCalls,
  reportingCalls,
  reportingOperations,
  seedAccounts,
  seedSubscriptions,
  type UsersCalls,
  usersCalls,
  usersOperations,
} from './calls.ts';
import type { Calls, Operation } from './rounds.ts';

/** Operations that can be measured until `close`. */
export type Opened = { operations: Operation[]; close(): Promise<void> };

const metrics = createMetrics('bench', '0');

/** @param drive makes the calls of the driver alone, on the same accounts */
export async function users(
  database: string,
  url: string,
  drive: (accounts: Account[]) => UsersCalls,
): Promise<Opened> {
  const store = await openUsers(url);
  const accounts = await seedAccounts(store);
  const calls = {
    driver: drive(accounts),
    store: usersCalls(store, accounts),
    service: usersCalls(observeStore(store, metrics), accounts),
  };
  return { operations: operationsOf(database, usersOperations, calls), close: () => store.close() };
}

/** @param drive makes the calls of the driver alone, on subscriptions of its own */
export async function billing(
  database: string,
  url: string,
  drive: (subscriptions: Subscription[]) => BillingCalls,
): Promise<Opened> {
  const store = await openBilling(url);
  const calls = {
    driver: drive(await seedSubscriptions(store)),
    store: billingCalls(store, await seedSubscriptions(store)),
    service: billingCalls(observeStore(store, metrics), await seedSubscriptions(store)),
  };
  return { operations: operationsOf(database, billingOperations, calls), close: () => store.close() };
}

export async function reporting(database: string, url: string, drive: () => ReportingCalls): Promise<Opened> {
  const store = await openReporting(url);
  const calls = {
    driver: drive(),
    store: reportingCalls(store),
    service: reportingCalls(observeStore(store, metrics)),
  };
  return { operations: operationsOf(database, reportingOperations, calls), close: () => store.close() };
}

function operationsOf<Name extends string>(
  database: string,
  inFlight: Record<Name, number>,
  { driver, store, service }: Record<'driver' | 'store' | 'service', Calls<Name>>,
): Operation[] {
  return (Object.keys(inFlight) as Name[]).map((name) => ({
    name: `${database}: ${name}`,
    inFlight: inFlight[name],
    driver: driver[name],
    store: store[name],
    service: service[name],
  }));
}
