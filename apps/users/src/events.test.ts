import { text } from 'node:stream/consumers';
import { startServer } from '@slipway/platform/testing/http-server';
import { describe, expect, it, vi } from 'vitest';
import { startUsers } from './testing/service.ts';

describe('the events that users sends to reporting', () => {
  type Delivery = { path?: string; authorization?: string; body: string };

  /** Starts a server in the place of reporting, which accepts all events. */
  async function listen() {
    const deliveries: Delivery[] = [];
    const { origin, stop } = await startServer(async (request, response) => {
      const body = await text(request);
      deliveries.push({ path: request.url, authorization: request.headers.authorization, body });
      const { events } = JSON.parse(body);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ applied: events.length, duplicates: 0, refused: 0 }));
    });
    return { deliveries, url: origin, stop };
  }

  it('are each sign-up and deletion, sent once reporting is up, without personal data', async () => {
    const reporting = await listen();
    const users = await startUsers({ REPORTING_URL: reporting.url });
    const { user, token, email, password } = await users.newPerson();
    await users.send('DELETE', '/api/v1/users/me', { token, body: { currentPassword: password } });
    await vi.waitFor(async () => expect(await users.store.outbox.pending(1)).toEqual([]), 10_000);
    await users.app.close();
    await reporting.stop();

    const told = reporting.deliveries.flatMap(({ body }) => JSON.parse(body).events);
    expect(told.filter(({ data }) => data.userId === user.id)).toMatchObject([
      { type: 'user.signed_up', source: 'users', data: { userId: user.id } },
      { type: 'user.deleted', source: 'users', data: { userId: user.id } },
    ]);
    expect(
      new Set(reporting.deliveries.map(({ path, authorization }) => `${path} ${authorization}`)),
    ).toEqual(new Set(['/internal/v1/events Bearer secret-between-services']));
    expect(JSON.stringify(told)).not.toContain(email);
  });
});
