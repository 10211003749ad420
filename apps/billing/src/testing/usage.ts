import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { type Caller, startBilling } from './service.ts';

type Billing = {
  service: Awaited<ReturnType<typeof startBilling>>;
  /** Two members and an administrator. */
  ann: Caller;
  bob: Caller;
  admin: Caller;
  /** The subscription of ann that usage is sent to; another one in each test. */
  subscriptionId: string;
};

/** Starts billing for the tests around, in each of which ann has a new subscription. */
export function useBilling(newSettings: () => Parameters<typeof startBilling>[0]) {
  const billing = {} as Billing;
  beforeAll(async () => {
    const service = await startBilling(newSettings());
    const [ann, bob] = [await service.callerFor('ann', 'member'), await service.callerFor('bob', 'member')];
    Object.assign(billing, { service, ann, bob, admin: await service.callerFor('root', 'admin') });
  });
  afterAll(() => billing.service.stop());
  beforeEach(async () => {
    const { body } = await billing.ann('POST', '/subscriptions', {
      body: { planId: 'starter' },
      key: randomUUID(),
    });
    billing.subscriptionId = body.id;
  });

  const sendText = (caller: Caller, lines: Iterable<string>) =>
    caller('POST', '/usage/import', {
      body: Readable.from(lines, { objectMode: false }),
      headers: { 'content-type': 'application/x-ndjson' },
    });

  return Object.assign(billing, {
    sendText,
    /** Imports records, one a line. */
    send: (caller: Caller, records: unknown[]) =>
      sendText(
        caller,
        records.map((each) => `${JSON.stringify(each)}\n`),
      ),
    recordOf: (id: string, facts: object = {}) => ({
      ...{ id, subscriptionId: billing.subscriptionId, metric: 'api_calls', quantity: 7 },
      ...{ at: new Date().toISOString(), ...facts },
    }),
    /** Returns ann's usage that is on no invoice. */
    unbilled: async () =>
      (await billing.ann('GET', `/subscriptions/${billing.subscriptionId}/usage`)).body.items,
  });
}
