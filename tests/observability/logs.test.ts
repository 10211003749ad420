import { randomUUID } from 'node:crypto';
import type { Operation } from '@slipway/contract-kit/operation';
import { logIn, refresh, signUp } from '@slipway/contracts/users';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { send } from '../support/http.ts';
import { eventually } from '../support/people.ts';
import { type System, startSystem } from '../support/system.ts';

type Line = Record<string, unknown> & { msg: string; correlationId?: string; traceId?: string };
type Name = keyof System['services'];

describe('the log of a service', () => {
  let system: System;
  const person = { email: `${randomUUID()}@example.com`, password: `pass ${randomUUID()}` };

  const linesOf = (name: Name): Line[] => {
    const lines = system.services[name].output.split('\n');
    return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Line);
  };
  /** Sends a request under a correlation id of its own, and resolves when the services it reached have logged it. */
  const journey = async (operation: Operation, body: object) => {
    const correlationId = randomUUID();
    const { body: answer } = await send(system.base, operation, {
      headers: { 'x-correlation-id': correlationId },
      ...({ body } as object),
    });
    const of = (name: Name) => linesOf(name).filter((line) => line.correlationId === correlationId);
    await eventually('its lines are out', async () =>
      (['gateway', 'users'] as const).every((name) => of(name).some(({ msg }) => msg === 'request')),
    );
    return { answer: answer as Record<string, string>, of };
  };

  beforeAll(async () => {
    system = await startSystem({ env: { LOG_LEVEL: 'debug' } });
  });
  afterAll(() => system?.stop());

  it('has one line for each request, in each service that it reaches, with the same ids', async () => {
    const { of } = await journey(signUp, { ...person, name: 'Ada' });
    const requests = [...of('gateway'), ...of('users')].filter(({ msg }) => msg === 'request');
    expect(requests).toEqual([
      expect.objectContaining({ service: 'gateway', route: signUp.url, status: 201 }),
      expect.objectContaining({ service: 'users', route: signUp.url, status: 201 }),
    ]);
    expect(new Set(requests.map(({ traceId }) => traceId)).size).toBe(1);
  });

  it('has the ids also in the lines of the rules', async () => {
    const { answer } = await journey(logIn, person);
    await journey(refresh, { refreshToken: answer.refreshToken });
    const { of } = await journey(refresh, { refreshToken: answer.refreshToken });
    const [rule, request] = of('users');
    expect(rule).toMatchObject({ msg: 'refresh token reused', level: 'warn', traceId: request?.traceId });
    expect(request).toMatchObject({ msg: 'request', status: 401 });
  });

  it('has as many lines as there were requests', async () => {
    await eventually('they are the same', async () => {
      const text = await (await fetch(`${system.services.users.management}/metrics`)).text();
      const counts = [...text.matchAll(/^http_server_request_duration_seconds_count\{.*\} (\d+)/gm)];
      const requests = counts.reduce((sum, [, count]) => sum + Number(count), 0);
      return requests >= 4 && linesOf('users').filter(({ msg }) => msg === 'request').length === requests;
    });
  });

  it('shows nothing of what people trust it with, at any level', () => {
    const all = (Object.keys(system.services) as Name[]).map((name) => system.services[name].output).join();
    expect(all).toContain('"level":"debug"');
    for (const secret of [person.email, person.password, system.serviceToken, system.admin.password]) {
      expect(all).not.toContain(secret);
    }
  });

  it('is at another level from one moment to the next, without a restart', async () => {
    const { management, pid } = system.services.users;
    const set = (level: string) =>
      fetch(`${management}/log-level`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${system.managementToken}` },
        body: JSON.stringify({ level, forSeconds: 30 }),
      });
    await set('error');
    const quiet = linesOf('users').length;
    await send(system.base, logIn, { body: person });
    await set('debug');
    await journey(logIn, person);
    const since = linesOf('users').slice(quiet);
    expect(since.filter(({ msg }) => msg === 'request')).toHaveLength(1);
    expect(system.services.users.pid).toBe(pid);
  });
});
