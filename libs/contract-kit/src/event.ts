import Type, { type Static, type TSchema } from 'typebox';

/** Something that happened in a service, told to others. The id is the same at every delivery. */
export const EventEnvelope = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 200 }),
  type: Type.String({ minLength: 1, maxLength: 100 }),
  at: Type.String({ format: 'date-time' }),
  source: Type.String({ minLength: 1, maxLength: 100 }),
  /** Where the change came from: W3C traceparent of the request that caused it. */
  trace: Type.Optional(Type.String()),
  data: Type.Record(Type.String(), Type.Unknown()),
});

export type DomainEvent<Data = Record<string, unknown>> = Omit<Static<typeof EventEnvelope>, 'data'> & {
  data: Data;
};

/** The schemas of the `data` of each event type. */
export type EventSchemas = Record<string, TSchema>;
