import {
  cancelAllSubscriptions,
  cancelSubscription,
  changePlan,
  getSubscription,
  listPlans,
  listSubscriptions,
  resumeSubscription,
  subscribe,
} from '@slipway/contracts/billing';
import { problem } from '@slipway/contracts/errors';
import type { App } from '@slipway/platform/core/app';
import { fromCursor, toPage } from '@slipway/platform/core/pagination';
import { update } from '@slipway/platform/events/aggregates';
import { principalOf } from '@slipway/platform/http/access';
import { checkIfMatch, etagOf } from '@slipway/platform/http/etag';
import { operationIdOf } from '@slipway/platform/http/idempotency';
import type { FastifyRequest } from 'fastify';
import type { ClosedAccountStore } from '../account-closing.ts';
import type { Clock } from '../clock.ts';
import type { Counts } from '../counts.ts';
import { planOf, plans } from '../plans.ts';
import * as rules from '../subscriptions.ts';
import { accountDeleted, isClosed } from './account-closing.ts';
import { ownerIn, visible } from './ownership.ts';

type Parts = {
  subscriptions: rules.SubscriptionStore;
  closedAccounts: ClosedAccountStore;
  clock: Clock;
  counts: Counts;
};

/** Number of subscriptions read at a time. */
const pageSize = 100;

/** Registers the routes of the plan catalogue and of subscriptions. */
export function registerSubscriptionRoutes(app: App, parts: Parts): void {
  const { subscriptions, closedAccounts, clock, counts } = parts;
  const own = async (request: FastifyRequest<{ Params: { subscriptionId: string } }>) =>
    visible(principalOf(request), await subscriptions.get(request.params.subscriptionId));

  app.route({ ...listPlans, handler: async () => ({ items: [...plans] }) });

  app.route({
    ...subscribe,
    handler: async (request, reply) => {
      const id = operationIdOf(request);
      const plan = planOf(request.body.planId);
      const change = rules.start(id, principalOf(request).subject, plan, clock.now());
      const isNew = await subscriptions.add(change);
      // The account may have been closed since the request began.
      if (await isClosed(closedAccounts, request)) {
        await update(subscriptions, id, rules.withdraw);
        throw accountDeleted();
      }
      if (isNew) counts.subscriptionStarted(plan.id);
      // An earlier run of the same request, interrupted by a crash, started a subscription with this id.
      const made = isNew ? change.next : await subscriptions.get(id);
      if (!made) throw problem('conflict');
      return reply.code(201).header('etag', etagOf(made.version)).send(made);
    },
  });

  app.route({
    ...listSubscriptions,
    handler: async (request) => {
      const { limit, cursor, status, all } = request.query;
      const filter = { userId: ownerIn(principalOf(request), all), status };
      const found = await subscriptions.list(filter, limit + 1, fromCursor(cursor));
      return toPage(found, limit, ({ startedAt, id }) => ({ at: startedAt, id }));
    },
  });

  app.route({
    ...getSubscription,
    handler: async (request, reply) => {
      const subscription = await own(request);
      return reply.header('etag', etagOf(subscription.version)).send(subscription);
    },
  });

  app.route({
    ...changePlan,
    handler: async (request, reply) => {
      const { id } = await own(request);
      const plan = planOf(request.body.planId);
      const changed = await update(subscriptions, id, (subscription) => {
        checkIfMatch(request.headers['if-match'], etagOf(subscription.version));
        return rules.changePlan(subscription, plan, clock.now());
      });
      return reply.header('etag', etagOf(changed.version)).send(changed);
    },
  });

  app.route({
    ...cancelSubscription,
    handler: async (request, reply) => {
      const { id } = await own(request);
      const cancelled = await cancelOne(id);
      return reply.header('etag', etagOf(cancelled.version)).send(cancelled);
    },
  });

  app.route({
    ...resumeSubscription,
    handler: async (request, reply) => {
      const { id } = await own(request);
      const resumed = await update(subscriptions, id, (present) => rules.resume(present, clock.now()));
      return reply.header('etag', etagOf(resumed.version)).send(resumed);
    },
  });

  app.route({
    ...cancelAllSubscriptions,
    handler: async (request) => {
      const filter = { userId: principalOf(request).subject, status: 'active' as const };
      let cancelled = 0;
      for (;;) {
        const active = await subscriptions.list(filter, pageSize);
        for (const { id } of active) await cancelOne(id);
        cancelled += active.length;
        if (active.length < pageSize) return { cancelled };
      }
    },
  });

  function cancelOne(id: string) {
    return update(subscriptions, id, (subscription) => rules.cancel(subscription, clock.now()));
  }
}
