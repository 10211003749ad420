import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Caller, startBilling } from '../testing/service.ts';
import { stores } from '../testing/stores.ts';

describe.each(stores)('subscriptions over HTTP, on $name', ({ newSettings }) => {
  let service: Awaited<ReturnType<typeof startBilling>>;
  let ann: Caller;
  let bob: Caller;
  let admin: Caller;
  beforeAll(async () => {
    service = await startBilling(newSettings());
    ann = await service.callerFor('ann', 'member');
    bob = await service.callerFor('bob', 'member');
    admin = await service.callerFor('root', 'member', 'admin');
  });
  afterAll(() => service.stop());

  let keys = 0;
  const subscribe = async (caller: Caller, planId = 'starter') =>
    (await caller('POST', '/subscriptions', { body: { planId }, key: `k${++keys}` })).body;

  it('lists the plans to anybody', async () => {
    const answer = await service.callerWith('')('GET', '/plans');
    expect(answer.status).toBe(200);
    expect(answer.body.items.map(({ id }: { id: string }) => id)).toContain('starter');
  });

  it('subscribes once per key and shows no billing internals', async () => {
    const request = { body: { planId: 'starter' }, key: 'once' };
    const first = await ann('POST', '/subscriptions', request);
    expect(first).toMatchObject({ status: 201, headers: { etag: '"1"' } });
    expect(Object.keys(first.body).sort()).toEqual(
      ['id', 'periodEnd', 'periodStart', 'planId', 'startedAt', 'status', 'userId', 'version'].sort(),
    );
    expect((await ann('POST', '/subscriptions', request)).body).toEqual(first.body);
    const again = await ann('GET', `/subscriptions/${first.body.id}`);
    expect(again).toMatchObject({ status: 200, headers: { etag: '"1"' }, body: first.body });
  });

  it('finds what the same request made before a crash that lost its answer', async () => {
    const request = { body: { planId: 'starter' }, key: 'crashed' };
    const first = await ann('POST', '/subscriptions', request);
    const lost = await startBilling(newSettings());
    await lost.store.subscriptions.add({
      next: (await service.store.subscriptions.get(first.body.id)) as never,
      entries: [],
      events: [],
    });
    const caller = await lost.callerFor('ann', 'member');
    expect((await caller('POST', '/subscriptions', request)).body).toEqual(first.body);
    await lost.stop();
  });

  it.each([
    [{ planId: 'platinum' }, 422, 'unknown_plan', 'body.planId'],
    [{ planId: 7 }, 400, 'invalid_request', 'body.planId'],
    [{}, 400, 'invalid_request', 'body.planId'],
    [{ planId: 'free', price: 0 }, 400, 'invalid_request', 'body.price'],
  ])('refuses to subscribe with %j', async (body, status, code, field) => {
    const answer = await ann('POST', '/subscriptions', { body, key: `bad${++keys}` });
    expect(answer).toMatchObject({ status, body: { code, errors: [{ field }] } });
  });

  it('needs a key to subscribe', async () => {
    expect(await ann('POST', '/subscriptions', { body: { planId: 'free' } })).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'header.idempotency-key' }] },
    });
  });

  it('moves to another plan, guarded by If-Match', async () => {
    const { id } = await subscribe(ann);
    const path = `/subscriptions/${id}`;
    const stale = await ann('PATCH', path, { body: { planId: 'pro' }, headers: { 'if-match': '"7"' } });
    expect(stale).toMatchObject({ status: 412, body: { code: 'version_mismatch' } });
    const moved = await ann('PATCH', path, { body: { planId: 'pro' }, headers: { 'if-match': '"1"' } });
    expect(moved).toMatchObject({
      status: 200,
      headers: { etag: '"2"' },
      body: { planId: 'starter', nextPlan: { planId: 'pro', price: 9_900 }, version: 2 },
    });
    expect(moved.body.nextPlan.startsAt).toBe(moved.body.periodEnd);
    expect(await ann('PATCH', path, { body: { planId: 'pro-usd' } })).toMatchObject({
      status: 422,
      body: { code: 'currency_differs', errors: [{ field: 'body.planId' }] },
    });
    expect((await ann('GET', path)).body.nextPlan.planId).toBe('pro');
  });

  it('is cancelled for the end of the period that has begun', async () => {
    const { id, periodEnd } = await subscribe(ann);
    const first = await ann('POST', `/subscriptions/${id}/cancel`);
    expect(first).toMatchObject({
      status: 200,
      body: { status: 'cancelled', endsAt: periodEnd, version: 2 },
    });
    expect((await ann('POST', `/subscriptions/${id}/cancel`)).body).toEqual(first.body);
    expect(await ann('PATCH', `/subscriptions/${id}`, { body: { planId: 'pro' } })).toMatchObject({
      status: 409,
      body: { code: 'subscription_ended' },
    });
  });

  it('is resumed as if it had not been cancelled', async () => {
    const { version, ...made } = await subscribe(ann);
    const path = `/subscriptions/${made.id}`;
    expect((await ann('POST', `${path}/resume`)).body).toEqual({ ...made, version });
    await ann('POST', `${path}/cancel`);
    expect(await bob('POST', `${path}/resume`)).toMatchObject({ status: 404 });
    expect(await ann('POST', `${path}/resume`)).toMatchObject({
      ...{ status: 200, headers: { etag: '"3"' }, body: { ...made, version: 3 } },
    });
  });

  it('ends all of the caller and nobody else', async () => {
    const caller = await service.callerFor('many', 'member');
    for (let n = 0; n < 3; n++) await subscribe(caller);
    const { id } = await subscribe(bob);
    expect((await caller('POST', '/subscriptions/cancel-all')).body).toEqual({ cancelled: 3 });
    expect((await caller('POST', '/subscriptions/cancel-all')).body).toEqual({ cancelled: 0 });
    expect((await bob('GET', `/subscriptions/${id}`)).body.status).toBe('active');
  });

  it("answers for another person's subscription as for one that does not exist", async () => {
    const { id } = await subscribe(ann);
    const missing = await bob('GET', '/subscriptions/nothing');
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['PATCH', '', { planId: 'pro' }],
      ['POST', '/cancel', undefined],
      ['POST', '/resume', undefined],
      ['GET', '/usage', undefined],
    ] as const) {
      const answer = await bob(method, `/subscriptions/${id}${path}`, { body });
      expect(answer).toMatchObject({ status: 404, body: { code: 'not_found', detail: missing.body.detail } });
    }
    expect(await admin('GET', `/subscriptions/${id}`)).toMatchObject({ status: 200, body: { version: 1 } });
  });

  it("lists the caller's page by page, and everyone's only to administrators", async () => {
    const caller = await service.callerFor('lister', 'member');
    const made: string[] = [];
    for (let n = 0; n < 5; n++) made.unshift((await subscribe(caller)).id);
    const seen: string[] = [];
    let next = '';
    for (;;) {
      const page = await caller('GET', `/subscriptions?limit=2${next && `&cursor=${next}`}`);
      seen.push(...page.body.items.map(({ id }: { id: string }) => id));
      if (!page.body.next) break;
      next = page.body.next;
    }
    expect(new Set(seen)).toEqual(new Set(made));
    expect(seen).toHaveLength(5);
    expect((await caller('GET', '/subscriptions?status=cancelled')).body.items).toEqual([]);
    expect(await caller('GET', '/subscriptions?all=true')).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    });
    const all = await admin('GET', '/subscriptions?all=true&limit=200');
    expect(all.body.items.map(({ userId }: { userId: string }) => userId)).toContain('lister');
  });

  it.each([
    ['limit=0', 'query.limit'],
    ['limit=many', 'query.limit'],
    ['cursor=nonsense', 'query.cursor'],
    ['status=asleep', 'query.status'],
    ['colour=red', 'query.colour'],
  ])('refuses to list with %s', async (query, field) => {
    expect(await ann('GET', `/subscriptions?${query}`)).toMatchObject({
      status: 400,
      body: { errors: [{ field }] },
    });
  });

  it('lets nobody in without a token', async () => {
    for (const authorization of ['', 'Bearer forged.token.x']) {
      const answer = await service.callerWith(authorization)('GET', '/subscriptions');
      expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    }
  });
});
