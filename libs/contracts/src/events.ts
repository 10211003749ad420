import { Type } from '@slipway/contract-kit/type';
import type { Static } from 'typebox';
import { Currency, Id, Timestamp } from './schemas.ts';

/** A price, or an amount that was paid, refunded or invoiced. Never negative: a refund is an event of its own. */
const Amount = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** A change is sent when it takes effect: a new plan or price when its period opens, the end when no period is left. */
const Subscription = Type.Object({
  subscriptionId: Id,
  userId: Id,
  planId: Id,
  /** Price per month, for the monthly recurring revenue. */
  price: Amount,
  currency: Currency,
  /** Increases with every change, so that a late event never overwrites a newer state. */
  version: Type.Integer({ minimum: 1 }),
});

const Money = { amount: Amount, currency: Currency, planId: Id, subscriptionId: Id, invoiceId: Id };

/** The `data` of each type of event that users and billing publish. Fields may be added, never changed or removed. */
export const eventSchemas = {
  'user.signed_up': Type.Object({ userId: Id }),
  'user.deleted': Type.Object({ userId: Id }),
  'subscription.started': Subscription,
  'subscription.changed': Subscription,
  'subscription.cancelled': Subscription,
  'usage.recorded': Type.Object({
    subscriptionId: Id,
    userId: Id,
    metric: Id,
    quantity: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    records: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  }),
  'invoice.issued': Type.Object({ ...Money, periodStart: Timestamp, periodEnd: Timestamp }),
  'payment.succeeded': Type.Object({ ...Money, paymentId: Id }),
  'payment.declined': Type.Object({ ...Money, paymentId: Id }),
  'refund.succeeded': Type.Object({ ...Money, paymentId: Id, refundId: Id }),
  /** For jobs of other services that run after it. `succeeded` is how often the job has succeeded since it exists. */
  'job.succeeded': Type.Object({ job: Id, succeeded: Type.Integer({ minimum: 1 }) }),
};

export type EventType = keyof typeof eventSchemas;
export type EventData<T extends EventType> = Static<(typeof eventSchemas)[T]>;
