import { randomUUID } from 'node:crypto';
import { getUnbilledUsage, subscribe } from '@slipway/contracts/billing';
import { logIn } from '@slipway/contracts/users';
import { ok } from '../support/http.ts';
import { newPerson, type Person } from '../support/people.ts';

/** A user of the system who keeps book of the usage that was sent and of what the system said it had recorded. */
export type Member = Person & { subscriptionId: string; sent: number; acknowledged: number };

type Admin = { email: string; password: string; token: string };

export type Crowd = { members: Member[]; admin: Admin };

/** Signs up some people, each with a subscription, beside the administrator. */
export async function gatherCrowd(
  base: string,
  admin: { email: string; password: string },
  size: number,
): Promise<Crowd> {
  const members = await Promise.all(Array.from({ length: size }, () => join(base)));
  return { members, admin: { ...admin, token: await tokenOf(base, admin) } };
}

async function join(base: string): Promise<Member> {
  const person = await newPerson(base);
  const { token } = person;
  const { id } = await ok(base, subscribe, { body: { planId: 'starter' } }, { token, key: randomUUID() });
  return { ...person, subscriptionId: id, sent: 0, acknowledged: 0 };
}

/** Logs everybody in anew: an access token lasts five minutes. */
export async function renewTokens(base: string, { members, admin }: Crowd): Promise<void> {
  for (const each of [...members, admin]) each.token = await tokenOf(base, each);
}

async function tokenOf(base: string, { email, password }: { email: string; password: string }) {
  return (await ok(base, logIn, { body: { email, password } })).accessToken;
}

/** One row of the books: what a member was told, what the system has, what had been sent. */
export type Balance = { acknowledged: number; recorded: number; sent: number };

/** Reads what the system has recorded of each member's usage. */
export function balances(base: string, { members }: Crowd): Promise<Balance[]> {
  return Promise.all(
    members.map(async ({ token, subscriptionId, acknowledged, sent }) => {
      const { items } = await ok(base, getUnbilledUsage, { params: { subscriptionId } }, { token });
      const recorded = items.find(({ metric }) => metric === 'api_calls')?.quantity ?? 0;
      return { acknowledged, recorded, sent };
    }),
  );
}
