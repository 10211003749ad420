import { randomUUID } from 'node:crypto';
import type { Operation } from '@slipway/contract-kit/operation';
import { operations } from '@slipway/contracts/operations';
import { logIn } from '@slipway/contracts/users';
import { deliverEvents } from '@slipway/platform/events/inbox';
import { ok } from '../support/http.ts';
import { newPerson } from '../support/people.ts';
import { startSystem } from '../support/system.ts';
import { hostileBodies, hostileHeaders, hostileQueries } from './hostile/bodies.ts';
import { maxDelay, readDelay } from './hostile/event-loop.ts';
import { send } from './hostile/send.ts';

/** What is sent to one operation. */
type Attack = { name: string; send: () => Promise<number> };

/** Attempts after which a delay counts: any other process of the machine may have caused the first ones. */
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
    member: (await newPerson(base)).token,
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

  /** Sends attacks and returns the longest delay that a service has had meanwhile. */
  async function delayOf(attacks: Attack[], where: string): Promise<number> {
    await Promise.all(managements.map(readDelay));
    for (const { name, send } of attacks) {
      const status = await send();
      if (status >= 500 && status !== 503) found.push(`${where} answers ${status} to ${name}`);
    }
    return Math.max(...(await Promise.all(managements.map(readDelay))));
  }

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
    for (const address of new Set([services[service].address, operation === deliverEvents ? '' : base])) {
      if (address === '') continue;
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
  return (['users', 'billing', 'reporting', 'gateway'] as const).flatMap((service) =>
    operations[service]
      // Its account is that of all other attacks.
      .filter(({ schema }) => schema.operationId !== 'deleteMe')
      .map((operation) => ({ service, operation })),
  );
}

if (import.meta.main) {
  const found = await attackAll();
  for (const sentence of found) console.error(sentence);
  process.exitCode = found.length > 0 ? 1 : 0;
}
