import type { SqliteInbox } from '@slipway/store-sqlite/inbox';
import type { EventPages } from '../analytics/event-pages.ts';
import type { ReportedEvent } from '../figures.ts';

/** Returns the events of an inbox in pages. A cursor is the position of an event in the order of arrival. */
export function pagesOf(inbox: Pick<SqliteInbox, 'applied'>): EventPages {
  return {
    async storedEvents(cursor = '0', limit) {
      const page = inbox.applied(Number(cursor), limit);
      const events = page.map(({ event }) => event as ReportedEvent);
      return { events, cursor: String(page.at(-1)?.place ?? cursor) };
    },
  };
}
