import { randomUUID } from 'node:crypto';
import type { Operation } from '@slipway/contract-kit/operation';
import { operations } from '@slipway/contracts/operations';
import { logIn } from '@slipway/contracts/users';
import { deliverEvents } from '@slipway/platform/events/inbox';
import { serviceNames } from '../../scripts/system.ts';
import { ok } from '../support/http.ts';
import { newPerson } from '../support/people.ts';
import { startSystem } from '../support/system.ts';
import { hostileBodies, hostileHeaders, hostileQueries } from './hostile/bodies.ts';
import { maxDelay, measureDelay } from './hostile/event-loop.ts';
import { send } from './hostile/send.ts';

/** A request that is made to cost much. */
type Attack = { name: string; send: () => Promise<number> };

/** Number of attempts in which a delay must occur to count: another process of the machine may cause one. */
const attempts = 6;

/**
 * Sends hostile bodies, headers and queries to every operation, to its service and through the gateway, and returns
 * a sentence for each that a service fails on, or that makes its event loop stand.
 */
export async function attackAll(): Promise<string[]> {
  const system = await startSystem({ env: { RATE_LIMIT: '1000000', RATE_LIMIT_SIGN_IN: '1000000' } });
  const { services, base, serviceToken } = system;
  const tokens = {
    public: '',
    member: '',
    admin: (await ok(base, logIn, { body: system.admin })).accessToken,
    service: serviceToken,
  };
  const managements = Object.values(services).map(({ management }) => management);
  const found: string[] = [];

  const attacksOn = (operation: Operation, address: string): Attack[] => {
    const { method, config } = operation;
    const url = address + operation.url.replace(/:\w+/g, 'x');
    const headers = {
      ...(config.access !== 'public' && { authorization: `Bearer ${tokens[config.access]}` }),
      ...(config.idempotency && { 'idempotency-key': randomUUID() }),
    };
    const bodies = method === 'GET' ? [] : hostileBodies(operation);
    return [
      ...bodies.map(({ name, type, bytes: body }) => ({
        name,
        send: () => send({ method, url, headers: { ...headers, 'content-type': type }, body }),
      })),
      ...Object.entries(hostileHeaders).map(([name, value]) => ({
        name: `a long ${name}`,
        send: () => send({ method, url, headers: { ...headers, [name]: value } }),
      })),
      ...hostileQueries.map((query) => ({
        name: `the query ${query.slice(0, 16)}…`,
        send: () => send({ method, url: `${url}?${query}`, headers }),
      })),
    ];
  };

  /** Sends attacks and returns the longest delay that they cause in a service. */
  const delayOf = (attacks: Attack[], where: string) =>
    measureDelay(managements, async () => {
      for (const { name, send } of attacks) {
        const status = await send();
        if (status >= 500 && status !== 503) found.push(`${where} answers ${status} to ${name}`);
      }
    });

  async function attack(where: string, attacks: Attack[]): Promise<number> {
    const delay = await delayOf(attacks, where);
    if (delay <= maxDelay) return delay;
    for (const each of attacks) {
      let least = Number.POSITIVE_INFINITY;
      for (let n = 0; n < attempts && least > maxDelay; n++) {
        least = Math.min(least, await delayOf([each], where));
      }
      if (least > maxDelay) found.push(`${where} stands for ${Math.round(least)} ms at ${each.name}`);
    }
    return delay;
  }

  for (const { service, operation } of [...everyOperation(), internal]) {
    // Operations end sessions and close accounts: each is attacked by somebody new.
    tokens.member = (await newPerson(base)).token;
    const addresses = [services[service].address, ...(operation === internal.operation ? [] : [base])];
    for (const address of new Set(addresses)) {
      const where = `${operation.method} ${address === base ? 'gateway' : service}${operation.url}`;
      const startedAt = performance.now();
      const delay = await attack(where, attacksOn(operation, address));
      console.log(`${where}: ${Math.round(delay)} ms, in ${Math.round(performance.now() - startedAt)} ms`);
    }
  }
  await system.stop();
  return [...new Set(found)];
}

const internal = { service: 'reporting' as const, operation: deliverEvents as Operation };

function everyOperation() {
  const all = serviceNames.flatMap((service) =>
    operations[service].map((operation) => ({ service, operation })),
  );
  // A response without an end is never an answer to a client that waits for all of it.
  return all.filter(({ operation }) => !operation.config.isStream);
}

if (import.meta.main) {
  const found = await attackAll();
  for (const sentence of found) console.error(sentence);
  process.exitCode = found.length > 0 ? 1 : 0;
}
