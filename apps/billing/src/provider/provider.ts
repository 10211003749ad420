/** Money to take from a means of payment. */
export type Charge = {
  /** The same key is charged at most once, however often it is sent. */
  idempotencyKey: string;
  /** Minor units, more than 0. */
  amount: number;
  currency: string;
  /** The provider's own name for a means of payment. */
  method: string;
};

export type ChargeResult = { outcome: 'succeeded' } | { outcome: 'declined'; reason: string };

/** Money to give back of a charge. */
export type RefundOrder = { idempotencyKey: string; chargeKey: string; amount: number; currency: string };

export type RefundResult = { outcome: 'succeeded' } | { outcome: 'refused'; reason: string };

/**
 * The company that moves the money. An answer is final. A rejection says nothing: the money may have moved or
 * not; asking again with the same key tells.
 */
export type PaymentProvider = {
  /** @param signal gives the waiting up, not the charge */
  charge(charge: Charge, signal: AbortSignal): Promise<ChargeResult>;
  refund(order: RefundOrder, signal: AbortSignal): Promise<RefundResult>;
  close(): Promise<void>;
};
