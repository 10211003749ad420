import { createHash } from 'node:crypto';
import { setImmediate as nextIteration } from 'node:timers/promises';
import { type DomainEvent, EventEnvelope, type EventSchemas } from '@slipway/contract-kit/event';
import type { Operation } from '@slipway/contract-kit/operation';
import { Type } from '@slipway/contract-kit/type';
import { createClient } from '../calls/client.ts';
import type { Upstream } from '../calls/upstream.ts';
import type { App } from '../core/app.ts';
import type { Position } from '../core/pagination.ts';
import { createValidators } from '../http/validation.ts';
import type { Count } from '../telemetry/declare.ts';
import type { Logger } from '../telemetry/log.ts';
import { sourceFile } from '../telemetry/source-file.ts';
import { withTraceOf } from '../telemetry/spans.ts';

/** Thrown by a reader for an event that it can never apply as it is; the event becomes a dead letter. */
export class RejectedEvent extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'RejectedEvent';
  }
}

/** An event that could not be applied, with the reason and the time when it was rejected first (RFC 3339). */
export type DeadLetter = { event: DomainEvent; reason: string; at: string };

/** Stores which events a reader has applied, and its dead letters. */
export type InboxStore = {
  /** Number of events to call `apply` with concurrently, so that the store can apply them in one commit; 1 if absent. */
  batchSize?: number;
  /**
   * Makes the event's changes and stores its id in one step, so that an event that is delivered more than once, even
   * concurrently, is applied once.
   *
   * @throws {RejectedEvent} if the event can never be applied as it is; nothing is changed then.
   */
  apply(event: DomainEvent): Promise<'applied' | 'duplicate'>;
  /** Stores a dead letter; if there is one with the same id, only its event and reason are replaced. */
  addDeadLetter(event: DomainEvent, reason: string, at: string): Promise<void>;
  /** Returns the dead letters after a position (of `at` and event id), oldest first. */
  deadLetters(limit: number, after?: Position): Promise<DeadLetter[]>;
  findDeadLetter(id: string): Promise<DomainEvent | undefined>;
  removeDeadLetter(id: string): Promise<void>;
};

/** The operation that delivers events. Each event is checked by itself, so that an invalid one stops no other. */
export const deliverEvents = {
  method: 'POST',
  url: '/internal/v1/events',
  schema: {
    operationId: 'deliverEvents',
    summary: 'Delivers events of other services; each event id is applied once',
    tags: ['internal'],
    body: Type.Object({
      events: Type.Array(Type.Unsafe<DomainEvent>({ type: 'object' }), { minItems: 1, maxItems: 500 }),
    }),
    response: {
      200: Type.Object({ applied: Type.Integer(), duplicates: Type.Integer(), rejected: Type.Integer() }),
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

export const inboxOutcomes = ['applied', 'duplicate', 'rejected'] as const;

export type Outcome = { outcome: (typeof inboxOutcomes)[number]; reason?: string };

export type Inbox = {
  /** Applies a dead letter again; returns `undefined` if none has this id. */
  redeliver(id: string): Promise<Outcome | undefined>;
};

type InboxOptions = {
  schemas: EventSchemas;
  store: InboxStore;
  log: Logger;
  /** Counters of the delivered events by outcome. */
  counts: Record<Outcome['outcome'], Count>;
  /**
   * Called after each delivery of an event that the store has applied, before the delivery is acknowledged. If it fails,
   * the event is delivered again, so it must be safe to repeat.
   */
  onApplied?: (event: DomainEvent) => Promise<void>;
};

/**
 * Registers `POST /internal/v1/events`. An event that can never be applied is stored as a dead letter and acknowledged;
 * any other failure fails the delivery, so that the sender retries it.
 */
export function registerInbox(app: App, options: InboxOptions): Inbox {
  const { schemas, store, log, counts, onApplied = async () => undefined } = options;
  const check = createEventCheck(schemas);
  const file = sourceFile(registerInbox);

  const receive = async (event: DomainEvent): Promise<Outcome> => {
    const outcome = await apply(event);
    counts[outcome.outcome].inc();
    if (outcome.outcome !== 'rejected') return outcome;
    const letter = identified(event);
    await store.addDeadLetter(letter, outcome.reason ?? '', new Date().toISOString());
    log.error({ event: letter.id, type: letter.type, reason: outcome.reason }, 'event rejected');
    return outcome;
  };

  const apply = async (event: DomainEvent): Promise<Outcome> => {
    const reason = check(event);
    if (reason) return { outcome: 'rejected', reason };
    try {
      const outcome = await withTraceOf(event, `event ${event.type}`, () => store.apply(event), file);
      await onApplied(event);
      return { outcome };
    } catch (error) {
      if (error instanceof RejectedEvent) return { outcome: 'rejected', reason: error.message };
      throw error;
    }
  };

  app.route({
    ...deliverEvents,
    bodyLimit: deliverEvents.config.bodyLimit,
    handler: async (request) => {
      const sums = { applied: 0, duplicate: 0, rejected: 0 };
      // In batches, one after another, so that the events of a source are applied in their order.
      for (const batch of inBatches(request.body.events, store.batchSize ?? 1)) {
        for (const { outcome } of await Promise.all(batch.map(receive))) sums[outcome] += 1;
        // An embedded store is synchronous: without this, other requests would wait until the last event is applied.
        await nextIteration();
      }
      return { applied: sums.applied, duplicates: sums.duplicate, rejected: sums.rejected };
    },
  });

  return {
    async redeliver(id) {
      const event = await store.findDeadLetter(id);
      if (!event) return undefined;
      const outcome = await receive(event);
      // Removed last: after a crash in between, the dead letter is still listed and its redelivery is a duplicate.
      if (outcome.outcome !== 'rejected') await store.removeDeadLetter(id);
      return outcome;
    },
  };
}

function* inBatches<T>(items: T[], size: number): Generator<T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}

/** Makes a function that returns why an event is invalid, or `undefined` if it matches its schemas. */
function createEventCheck(schemas: EventSchemas): (event: DomainEvent) => string | undefined {
  const compile = createValidators();
  const check = (schema: object) =>
    compile({ schema, method: 'POST', url: deliverEvents.url, httpPart: 'body' });
  const envelope = check(EventEnvelope);
  const types = new Map(Object.entries(schemas).map(([type, schema]) => [type, check(schema)]));
  return (event) => {
    if (!envelope(event)) return describe('event', envelope.errors);
    const data = types.get(event.type);
    if (!data) return `unknown type ${event.type}`;
    return data(event.data) ? undefined : describe('data', data.errors);
  };
}

function describe(
  part: string,
  errors: { instancePath?: string; message?: string }[] | null | undefined,
): string {
  const all = (errors ?? []).map(
    ({ instancePath = '', message }) => `${part}${instancePath.replaceAll('/', '.')} ${message}`,
  );
  return all.join('; ');
}

/** Adds a missing id, type or source to an event. The id is a hash of its content, so that it is stored only once. */
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
