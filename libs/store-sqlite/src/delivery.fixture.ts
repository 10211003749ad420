import type { Operation } from '@slipway/contract-kit/operation';
import { Type } from '@slipway/contract-kit/type';
import type { App } from '@slipway/platform/core/app';
import {
  deliverTo,
  type Inbox,
  inboxOutcomes,
  RejectedEvent,
  registerInbox,
} from '@slipway/platform/events/inbox';
import { newEvent } from '@slipway/platform/events/new-event';
import { registerRelay } from '@slipway/platform/events/relay';
import { registerAccess } from '@slipway/platform/http/access';
import { operationIdOf } from '@slipway/platform/http/idempotency';
import { defineService, type ServiceContext } from '@slipway/platform/service/service';
import { platformSettings } from '@slipway/platform/service/settings';
import { countBy } from '@slipway/platform/telemetry/declare';
import { inTransaction, openSqlite } from './database.ts';
import { idempotencyMigrations, sqliteIdempotency } from './idempotency.ts';
import { inboxMigration, sqliteInbox } from './inbox.ts';
import { outboxMigration, sqliteOutbox } from './outbox.ts';

/** A minimal service that publishes its orders, and another that counts them. */

const serviceToken = 'token-of-the-services';
const ordersTable = { name: '1-orders', sql: 'CREATE TABLE orders (id TEXT PRIMARY KEY, item TEXT) STRICT' };
const people = { verify: async () => ({ subject: 'nobody', roles: [] }), serviceToken };

function openShop(url: string) {
  const db = openSqlite(url, [outboxMigration, ...idempotencyMigrations, ordersTable]);
  const outbox = sqliteOutbox(db);
  const insert = db.prepare('INSERT INTO orders VALUES (?, ?) ON CONFLICT DO NOTHING');
  return {
    outbox,
    idempotency: sqliteIdempotency(db),
    ping: async () => {},
    close: async () => db.close(),
    /** Stores an order with its event, once per id; returns whether it was new. */
    async place(id: string, item: string): Promise<boolean> {
      return inTransaction(db, () => {
        if (insert.run(id, item).changes === 0) return false;
        outbox.add([newEvent('shop', 'order.placed', { item })]);
        return true;
      });
    },
  };
}

const placeOrder = {
  method: 'POST',
  url: '/orders',
  schema: {
    operationId: 'placeOrder',
    summary: 'Places an order',
    body: Type.Object({ item: Type.String(), thenHang: Type.Optional(Type.Boolean()) }),
    response: { 201: Type.Object({ id: Type.String() }) },
  },
  config: { access: 'public', idempotency: 'required' },
} as const satisfies Operation;

const shopSettings = Type.Object({
  ...platformSettings.properties,
  STORE_URL: Type.String(),
  COUNTER_URL: Type.String(),
});

export const shop = defineService({
  name: 'shop',
  version: '1.0.0',
  settings: shopSettings,
  openStore: ({ STORE_URL }) => openShop(STORE_URL),
  register(app, { settings, store, log, metrics, tracing, upstream }) {
    registerRelay(app, {
      outbox: store.outbox,
      deliver: deliverTo(upstream('counter', settings.COUNTER_URL), serviceToken),
      log,
      metrics,
      tracing,
    });
    registerAccess(app, people);
    app.route({
      ...placeOrder,
      handler: async (request, reply) => {
        const { item, thenHang } = request.body;
        const id = operationIdOf(request);
        const isNew = await store.place(id, item);
        // For the test that kills the process between the effect and the response.
        if (isNew && thenHang) await new Promise(() => {});
        return reply.code(201).send({ id });
      },
    });
  },
});

type Counted = { items: string[]; reject: Set<string>; inbox?: Inbox };

function openCounter(counted: Counted) {
  const db = openSqlite('sqlite::memory:', [inboxMigration]);
  const events = sqliteInbox(db, ({ data }) => {
    if (counted.reject.has(String(data.item))) throw new RejectedEvent(`${data.item} is unknown`);
    counted.items.push(String(data.item));
  });
  return { events, ping: async () => {}, close: async () => {} };
}

/** Defines a counter whose store survives it, so that it can be started again. */
export function defineCounter() {
  const counted: Counted = { items: [], reject: new Set() };
  const store = openCounter(counted);
  const definition = defineService({
    name: 'counter',
    version: '1.0.0',
    settings: platformSettings,
    openStore: () => store,
    register(app: App, { log, metrics }: ServiceContext<unknown, typeof store>) {
      registerAccess(app, people);
      const schemas = { 'order.placed': Type.Object({ item: Type.String() }) };
      const named = { name: 'counter_events_total', help: 'Events delivered' };
      const counts = countBy(metrics, named, 'outcome', inboxOutcomes);
      counted.inbox = registerInbox(app, { schemas, store: store.events, log, counts });
    },
  });
  return { definition, counted, events: store.events };
}
