import type { DomainEvent } from '@slipway/contract-kit/event';
import { problem } from '@slipway/contracts/errors';
import { listDeadLetters, redeliverDeadLetter } from '@slipway/contracts/reporting';
import type { App } from '@slipway/platform/core/app';
import { fromCursor, toPage } from '@slipway/platform/core/pagination';
import type { DeadLetter, Inbox, InboxStore } from '@slipway/platform/events/inbox';

/** Registers the routes of dead letters, which are the events that could not be counted. */
export function registerEventRoutes(app: App, { store, inbox }: { store: InboxStore; inbox: Inbox }): void {
  app.route({
    ...listDeadLetters,
    handler: async ({ query: { limit, cursor } }) => {
      const found = await store.deadLetters(limit + 1, fromCursor(cursor));
      const { items, next } = toPage(found, limit, ({ event, at }) => ({ at, id: event.id }));
      return { items: items.map(toItem), next };
    },
  });
  app.route({
    ...redeliverDeadLetter,
    handler: async ({ params: { eventId } }) => {
      const outcome = await inbox.redeliver(eventId);
      if (!outcome) throw problem('not_found', `No dead letter has the event id ${eventId}`);
      return outcome;
    },
  });
}

/** Describes a dead letter. The event may lack any field; missing text is returned as an empty string. */
function toItem({ event, reason, at }: DeadLetter) {
  const { id, type, source } = event as Partial<DomainEvent>;
  return { id: String(id), type: String(type ?? ''), source: String(source ?? ''), reason, rejectedAt: at };
}
