import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type DomainEvent, EventEnvelope, type EventSchemas } from '@slipway/contract-kit/event';
import type { Operation } from '@slipway/contract-kit/operation';
import Type from 'typebox';
import { createClient } from '../calls/client.ts';
import type { Upstream } from '../calls/upstream.ts';
import type { App } from '../core/app.ts';
import type { Position } from '../core/pagination.ts';
import { createValidators } from '../http/validation.ts';
import type { Count } from '../telemetry/declare.ts';
import type { Logger } from '../telemetry/log.ts';
import { withTraceOf } from '../telemetry/spans.ts';

/** Thrown by a reader for an event that it can never apply as it is; the event is set aside. */
export class RefusedEvent extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'RefusedEvent';
  }
}

/** An event that was set aside: why, and since when (RFC 3339). */
export type SetAsideEvent = { event: DomainEvent; reason: string; at: string };

/** Where a reader keeps which events it has applied, and those that it could not. */
export type InboxStore = {
  /** How many events the store likes to be given at a time, to apply them in one step; 1 if absent. */
  together?: number;
  /**
   * Makes the event's changes and notes its id, once for all deliveries, also when two arrive at a time.
   *
   * @throws {RefusedEvent} if the event can never be applied as it is; nothing is changed then.
   */
  apply(event: DomainEvent): Promise<'applied' | 'duplicate'>;
  /** Keeps an event that was refused; of one that is kept already only the reason is renewed. */
  setAside(event: DomainEvent, reason: string, at: string): Promise<void>;
  /** The events set aside, oldest first, after a position of `at` and event id. */
  refused(limit: number, after?: Position): Promise<SetAsideEvent[]>;
  findRefused(id: string): Promise<DomainEvent | undefined>;
  dropRefused(id: string): Promise<void>;
};

/** How services hand events to a reader. Each event is checked on its own, so that one bad one stops no other. */
export const deliverEvents = {
  method: 'POST',
  url: '/internal/v1/events',
  schema: {
    operationId: 'deliverEvents',
    summary: 'Takes events of other services, each once per id',
    tags: ['internal'],
    body: Type.Object({
      events: Type.Array(Type.Unsafe<DomainEvent>({ type: 'object' }), { minItems: 1, maxItems: 500 }),
    }),
    response: {
      200: Type.Object({ applied: Type.Integer(), duplicates: Type.Integer(), refused: Type.Integer() }),
    },
  },
  config: { access: 'service', bodyLimit: 1_048_576 },
} as const satisfies Operation;

/**
 * Makes the `deliver` option of a relay.
 *
 * @param token the secret that the services present to each other
 * @example
 * const deliver = deliverTo(upstream('reporting', settings.REPORTING_URL), settings.SERVICE_TOKEN);
 * registerRelay(app, { outbox: store.outbox, deliver, log, metrics, tracing });
 */
export function deliverTo(reader: Upstream, token: string) {
  const client = createClient(reader, { deliverEvents });
  const headers = { authorization: `Bearer ${token}` };
  return (events: DomainEvent[], signal: AbortSignal) =>
    client.deliverEvents({ body: { events }, headers }, { signal });
}

export const inboxOutcomes = ['applied', 'duplicate', 'refused'] as const;

export type Outcome = { outcome: (typeof inboxOutcomes)[number]; reason?: string };

export type Inbox = {
  /** Tries an event that was set aside again; `undefined` if there is none with this id. */
  redeliver(id: string): Promise<Outcome | undefined>;
};

type InboxOptions = {
  schemas: EventSchemas;
  store: InboxStore;
  log: Logger;
  /** Where each event that was delivered is counted. */
  counts: Record<Outcome['outcome'], Count>;
};

/**
 * Takes events at `POST /internal/v1/events`. What can never be applied is set aside with its reason and
 * acknowledged; any other failure fails the delivery, so that the sender repeats it.
 */
export function registerInbox(app: App, { schemas, store, log, counts: taken }: InboxOptions): Inbox {
  const faultOf = createEventCheck(schemas);

  const take = async (event: DomainEvent): Promise<Outcome> => {
    const outcome = await tryToApply(event);
    taken[outcome.outcome].inc();
    if (outcome.outcome !== 'refused') return outcome;
    const kept = identified(event);
    await store.setAside(kept, outcome.reason ?? '', new Date().toISOString());
    log.error({ event: kept.id, type: kept.type, reason: outcome.reason }, 'event refused');
    return outcome;
  };

  const tryToApply = async (event: DomainEvent): Promise<Outcome> => {
    const fault = faultOf(event);
    if (fault) return { outcome: 'refused', reason: fault };
    try {
      const apply = () => store.apply(event);
      return { outcome: await withTraceOf(event, `event ${event.type}`, apply) };
    } catch (error) {
      if (error instanceof RefusedEvent) return { outcome: 'refused', reason: error.message };
      throw error;
    }
  };

  app.route({
    ...deliverEvents,
    bodyLimit: deliverEvents.config.bodyLimit,
    handler: async (request) => {
      const counts = { applied: 0, duplicate: 0, refused: 0 };
      // One after the other, or some together: the order in which a source tells its events is kept.
      for (const events of inParts(request.body.events, store.together ?? 1)) {
        for (const { outcome } of await Promise.all(events.map(take))) counts[outcome] += 1;
        // An embedded store works within one turn: without this, other requests would wait for the last event.
        await nextTurn();
      }
      return { applied: counts.applied, duplicates: counts.duplicate, refused: counts.refused };
    },
  });

  return {
    async redeliver(id) {
      const event = await store.findRefused(id);
      if (!event) return undefined;
      const outcome = await take(event);
      // Only now: a crash in between leaves the event listed, and its repetition is a duplicate.
      if (outcome.outcome !== 'refused') await store.dropRefused(id);
      return outcome;
    },
  };
}

function* inParts<T>(items: T[], size: number): Generator<T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}

/** Makes the function that says what is wrong with an event: `undefined` if it fits envelope and type. */
function createEventCheck(schemas: EventSchemas): (event: DomainEvent) => string | undefined {
  const compile = createValidators();
  const check = (schema: object) =>
    compile({ schema, method: 'POST', url: deliverEvents.url, httpPart: 'body' });
  const envelope = check(EventEnvelope);
  const types = new Map(Object.entries(schemas).map(([type, schema]) => [type, check(schema)]));
  return (event) => {
    if (!envelope(event)) return faultIn('event', envelope.errors);
    const data = types.get(event.type);
    if (!data) return `unknown type ${event.type}`;
    return data(event.data) ? undefined : faultIn('data', data.errors);
  };
}

function faultIn(
  part: string,
  errors: { instancePath?: string; message?: string }[] | null | undefined,
): string {
  const all = (errors ?? []).map(
    ({ instancePath = '', message }) => `${part}${instancePath.replaceAll('/', '.')} ${message}`,
  );
  return all.join('; ');
}

/** A malformed event gets what a list needs; its id comes from its content, so that it is kept only once. */
function identified(event: DomainEvent): DomainEvent {
  const { id, type, source } = event as Partial<DomainEvent>;
  return {
    ...event,
    id: text(id) ?? `sha256-${hashOf(event)}`,
    type: text(type) ?? '',
    source: text(source) ?? '',
  };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value.length > 0 && value.length <= 200 ? value : undefined;
}

function hashOf(event: DomainEvent): string {
  return createHash('sha256').update(JSON.stringify(event)).digest('hex');
}
