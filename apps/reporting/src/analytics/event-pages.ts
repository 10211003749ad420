import type { ReportedEvent } from '../figures.ts';

/** A page of stored events, and where the next page begins. */
export type EventPage = { events: ReportedEvent[]; cursor: string };

/** Reads the stored events in the order in which they were stored. */
export type EventPages = {
  /**
   * Returns up to `limit` stored events after a cursor, or the first ones. A page without events is the last for now: its
   * cursor, and that of any other page, is valid forever, and leads to what is stored later.
   *
   * Every event is returned at least once; a store may return one a second time, and one that was stored a moment ago
   * some seconds later.
   */
  storedEvents(cursor: string | undefined, limit: number): Promise<EventPage>;
};
