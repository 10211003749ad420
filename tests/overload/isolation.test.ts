import { setTimeout as wait } from 'node:timers/promises';
import type { Operation } from '@slipway/contract-kit/operation';
import { listPlans } from '@slipway/contracts/billing';
import { getSignUps } from '@slipway/contracts/reporting';
import { getMe, logIn } from '@slipway/contracts/users';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ok, send } from '../support/http.ts';
import { eventually } from '../support/people.ts';
import { type System, startSystem } from '../support/system.ts';
import { left } from './left-out.ts';

let system: System;
let token: string;

beforeAll(async () => {
  if (left) return;
  system = await startSystem({ env: { RATE_LIMIT: '1000000' } });
  token = (await ok(system.base, logIn, { body: system.admin })).accessToken;
}, 60_000);
afterAll(() => system?.stop());

/** Asks for something of billing all the time, by so many callers, until `on` is false. */
function askBilling(callers: number): { stop(): Promise<number[]> } {
  const statuses: number[] = [];
  let on = true;
  const all = Array.from({ length: callers }, async () => {
    while (on) {
      const answer = await send(system.base, listPlans, {}).catch(() => undefined);
      statuses.push(answer?.status ?? 0);
      await wait(20);
    }
  });
  return {
    async stop() {
      on = false;
      await Promise.all(all);
      return statuses;
    },
  };
}

/** Milliseconds in which the quicker quarter of answers came from users and from reporting: other work on the machine moves it least. */
async function latencies(rounds = 60): Promise<number[]> {
  const quartiles: number[] = [];
  for (const operation of [getMe, getSignUps] as Operation[]) {
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const askedAt = performance.now();
      const { status, body } = await send(system.base, operation, {}, { token });
      expect({ status, body }).toMatchObject({ status: 200 });
      times.push(performance.now() - askedAt);
    }
    quartiles.push(times.toSorted((a, b) => a - b)[rounds >> 2] ?? 0);
  }
  return quartiles;
}

const callers = 10;

describe.skipIf(left)(`a gateway${left} in front of a billing that`, () => {
  it.each([
    { what: 'hangs', signal: 'SIGSTOP', status: [503, 504] },
    { what: 'is dead', signal: 'SIGKILL', status: [502, 503, 504] },
  ] as const)(
    '$what answers for users and reporting as quickly as before',
    async ({ what, signal, status }) => {
      await eventually(
        'billing answers',
        async () => (await send(system.base, listPlans, {})).status === 200,
      );
      const healthy = askBilling(callers);
      await latencies();
      const before = await latencies();
      expect(await healthy.stop()).toContain(200);

      const { billing } = system.services;
      process.kill(billing.pid, signal);
      const asking = askBilling(callers);
      // Until the first calls have waited in vain, as many hang as there are callers.
      const during = await latencies();
      const statuses = await asking.stop();
      if (what === 'hangs') process.kill(billing.pid, 'SIGCONT');
      else await billing.start();

      expect(statuses.length).toBeGreaterThan(0);
      expect(new Set(status).union(new Set(statuses))).toEqual(new Set(status));
      for (const [index, ms] of during.entries()) expect(ms).toBeLessThan((before[index] ?? 0) * 1.5 + 20);
      console.log(what, 'users and reporting, ms before', before, 'during', during);
    },
    60_000,
  );
});
