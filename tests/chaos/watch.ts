/** How a system behaves while something that it needs is in trouble, and after. */

import type { Operation } from '@slipway/contract-kit/operation';
import { listSubscriptions } from '@slipway/contracts/billing';
import { getRevenue } from '@slipway/contracts/reporting';
import { getMe } from '@slipway/contracts/users';
import { expect } from 'vitest';
import { send } from '../support/http.ts';
import { eventually } from '../support/people.ts';
import type { System } from '../support/system.ts';

/** The services that keep something, and a read of each. */
const reads = { users: getMe, billing: listSubscriptions, reporting: getRevenue };
const keepers = ['users', 'billing', 'reporting'] as const;

/** Longest answer in trouble, milliseconds: the time that a request may take, and some for a busy machine. */
const bound = 11_000;

/** Reads from every service for `ms`: each answer comes in bounded time, and says what to do if it is a refusal. */
export async function expectBoundedAnswers({ base }: System, token: string, ms: number): Promise<void> {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    await Promise.all(keepers.map((name) => expectBoundedAnswer(base, reads[name], token)));
  }
}

async function expectBoundedAnswer(base: string, operation: Operation, token: string): Promise<void> {
  const begin = performance.now();
  const { status, headers, body } = await send(base, operation, {}, { token });
  const seen = `${operation.url} ${status} ${JSON.stringify(body)}`;
  expect(performance.now() - begin, seen).toBeLessThan(bound);
  expect([200, 503, 504], seen).toContain(status);
  if (status === 503) expect(Number(headers.get('retry-after')), seen).toBeGreaterThan(0);
}

/** Expects the services to be unready but alive: they get no traffic, and a restart would not help. */
export async function expectUnreadyButAlive(
  system: System,
  names: readonly (typeof keepers)[number][] = keepers,
): Promise<void> {
  for (const name of names) {
    const { management } = system.services[name];
    await eventually(`${name} is unready`, async () => (await statusOf(`${management}/status`)) === 503);
    expect(await statusOf(`${management}/health`)).toBe(200);
  }
}

/** Every service is ready and answers as it did, in the process that it was. */
export async function expectRecovery(system: System, token: string, pids: number[]): Promise<void> {
  for (const name of keepers) {
    const { management } = system.services[name];
    await eventually(`${name} is ready`, async () => (await statusOf(`${management}/status`)) === 200);
    await eventually(`${name} answers`, async () => {
      const { status } = await send<Operation>(system.base, reads[name], {}, { token });
      return status === 200;
    });
  }
  expect(pidsOf(system)).toEqual(pids);
}

/** To see that nobody was started anew. */
export function pidsOf({ services }: System): number[] {
  return Object.values(services).map(({ pid }) => pid);
}

async function statusOf(url: string): Promise<number> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  await answer.body?.cancel();
  return answer.status;
}
