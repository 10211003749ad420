import { randomUUID } from 'node:crypto';
import {
  listInvoices,
  listSubscriptions,
  payInvoice,
  runBilling,
  subscribe,
} from '@slipway/contracts/billing';
import { logIn } from '@slipway/contracts/users';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Answer, ok, send } from '../support/http.ts';
import { newPerson, type Person } from '../support/people.ts';
import { onEachStores } from '../support/suites.ts';
import { type System, startSystem } from '../support/system.ts';

const racers = 50;

onEachStores('two processes of billing on one database', (stores) => {
  let system: System;
  let addresses: string[];
  let person: Person;

  beforeAll(async () => {
    system = await startSystem({ stores });
    const replica = await system.replicate('billing');
    addresses = [system.services.billing.address, replica.address];
    person = await newPerson(system.base);
  }, 60_000);
  afterAll(() => system?.stop());

  /** Sends the same request 50 times at once, to the two processes in turn. */
  const race = <Body>(post: (address: string) => Promise<Answer<Body>>) =>
    Promise.all(Array.from({ length: racers }, (_, n) => post(addresses[n % 2] as string)));

  it('make one subscription of 50 parallel posts with one key', async () => {
    const { token } = person;
    const key = randomUUID();
    const answers = await race((address) =>
      send(address, subscribe, { body: { planId: 'starter' } }, { token, key }),
    );
    expect(answers.map(({ status }) => status)).toContain(201);
    for (const { status } of answers) expect([201, 409, 503]).toContain(status);
    const { items } = await ok(system.base, listSubscriptions, {}, { token });
    expect(items).toHaveLength(1);
  });

  it('charge once for 50 parallel payments with keys of their own', async () => {
    const { token } = person;
    const asOf = new Date(Date.now() + 32 * 86_400_000).toISOString();
    const { accessToken: admin } = await ok(system.base, logIn, { body: system.admin });
    await race((address) => send(address, runBilling, { body: { asOf } }, { token: admin }));
    const { items: invoices } = await ok(system.base, listInvoices, {}, { token });
    expect(invoices).toHaveLength(1);

    const pay = { params: { invoiceId: invoices[0]?.id ?? '' }, body: { method: 'pm_ok' } };
    const answers = await race((address) => send(address, payInvoice, pay, { token, key: randomUUID() }));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    const { items: paid } = await ok(system.base, listInvoices, { query: { status: 'paid' } }, { token });
    expect(paid).toHaveLength(1);
  });
});
