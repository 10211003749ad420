import type { Charge, RefundOrder } from './provider.ts';

/** A charge as the sandbox booked it; `reason` says why it was declined. */
export type BookedCharge = { amount: number; currency: string; method: string; reason: string | null };

/** A refund as the sandbox booked it; `reason` says why it was refused. */
export type BookedRefund = { chargeKey: string; amount: number; reason: string | null };

/** The sandbox's own records, shared by all replicas. Each call is one atomic step. */
export type SandboxBooks = {
  /** Records an attempt; returns whether it is the first with this key. */
  isFirstAttempt(key: string): Promise<boolean>;
  /** Books a charge if the key is new; returns the charge that is booked under the key. */
  charge(charge: Charge, reason: string | null): Promise<{ booked: BookedCharge; isNew: boolean }>;
  /** Books a refund if the key is new, as refused if the charge does not cover it; returns the refund that is booked. */
  refund(order: RefundOrder): Promise<BookedRefund>;
  /** Returns the number of successful charges in one currency, and their sum less refunds; minor units. */
  statement(currency: string): Promise<{ charges: number; net: number }>;
  close(): Promise<void>;
};

/** Returns why a refund is refused; `null` if it is not. */
export function refusal(
  charge: BookedCharge | undefined,
  given: number,
  { amount, currency }: RefundOrder,
): string | null {
  if (!charge || charge.reason !== null || charge.currency !== currency) return 'no such charge';
  return amount > charge.amount - given ? 'more than is left of the charge' : null;
}
