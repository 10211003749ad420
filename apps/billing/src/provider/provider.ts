/** An amount to charge to a payment method. */
export type Charge = {
  /** A key is charged at most once, however often it is sent. */
  idempotencyKey: string;
  /** Minor units, more than 0. */
  amount: number;
  currency: string;
  /** The provider's own name for a payment method. */
  method: string;
};

export type ChargeResult = { outcome: 'succeeded' } | { outcome: 'declined'; reason: string };

/** An amount to refund from a charge. */
export type RefundOrder = { idempotencyKey: string; chargeKey: string; amount: number; currency: string };

export type RefundResult = { outcome: 'succeeded' } | { outcome: 'refused'; reason: string };

/**
 * The company that moves the money. A result is final. If a promise rejects, the money may have moved or not; the same
 * call with the same key finds out.
 */
export type PaymentProvider = {
  /** @param signal stops the wait for the result; the charge may still go through */
  charge(charge: Charge, signal: AbortSignal): Promise<ChargeResult>;
  refund(order: RefundOrder, signal: AbortSignal): Promise<RefundResult>;
  close(): Promise<void>;
};
