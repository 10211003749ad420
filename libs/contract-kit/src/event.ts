import type { Static, TSchema } from 'typebox';
import { Type } from './type.ts';

/** An event: something that happened in one service and is delivered to others. Every delivery has the same id. */
export const EventEnvelope = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 200 }),
  type: Type.String({ minLength: 1, maxLength: 100 }),
  at: Type.String({ format: 'date-time' }),
  source: Type.String({ minLength: 1, maxLength: 100 }),
  /** The `traceparent` (W3C Trace Context) of the request that caused the event. */
  trace: Type.Optional(Type.String()),
  data: Type.Record(Type.String(), Type.Unknown()),
});

export type DomainEvent<Data = Record<string, unknown>> = Omit<Static<typeof EventEnvelope>, 'data'> & {
  data: Data;
};

/** The schemas of the `data` of each event type. */
export type EventSchemas = Record<string, TSchema>;
