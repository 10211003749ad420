import { setTimeout as wait } from 'node:timers/promises';
import type { Charge, ChargeResult, PaymentProvider, RefundResult } from './provider.ts';
import type { SandboxBooks } from './sandbox-books.ts';
import { openSqliteBooks } from './sqlite-books.ts';

/**
 * A payment provider for development and tests. Like a bank, it has its own books, which the service does not read, so a
 * charge may have happened although the service has received no result.
 *
 * Payment methods: `pm_ok`; `pm_decline`; `pm_delay` delays the response to the first attempt; `pm_fail_once` fails the
 * first attempt before it charges; `pm_late` charges, but does not respond to the first. Any other is declined.
 */
export type Sandbox = PaymentProvider & Pick<SandboxBooks, 'statement'>;

type Options = {
  /** The delay of `pm_delay`; milliseconds. */
  delayMs?: number;
};

/** @param url `sqlite:<path>`, `sqlite::memory:` or `mongodb://…/<database>`; never the billing store itself */
export function openSandbox(url: string, { delayMs = 1_000 }: Options = {}): Sandbox {
  const { books, close } = openBooks(url);

  return {
    async charge(charge, signal): Promise<ChargeResult> {
      const { idempotencyKey: key, method } = charge;
      if (method === 'pm_fail_once' && (await (await books()).isFirstAttempt(key))) {
        throw new Error('The connection to the provider broke');
      }
      const { booked, isNew } = await (await books()).charge(charge, declineReason(method));
      if (!isSame(booked, charge)) throw new Error(`The idempotency key ${key} was used for another charge`);
      if (method === 'pm_delay' && isNew) await wait(delayMs, undefined, { signal });
      if (method === 'pm_late' && isNew) await aborted(signal);
      const { reason } = booked;
      return reason === null ? { outcome: 'succeeded' } : { outcome: 'declined', reason };
    },
    async refund(order): Promise<RefundResult> {
      const { idempotencyKey: key, chargeKey, amount } = order;
      const { reason, ...booked } = await (await books()).refund(order);
      if (booked.chargeKey !== chargeKey || booked.amount !== amount) {
        throw new Error(`The idempotency key ${key} was used for another refund`);
      }
      return reason === null ? { outcome: 'succeeded' } : { outcome: 'refused', reason };
    },
    statement: async (currency) => (await books()).statement(currency),
    close,
  };
}

/** Opens the books immediately, so that no payment waits for it. If a server fails, the next use opens them again. */
function openBooks(url: string): { books: () => Promise<SandboxBooks>; close: () => Promise<void> } {
  let opening = url.startsWith('mongodb') ? undefined : Promise.resolve(openSqliteBooks(url));
  function books(): Promise<SandboxBooks> {
    opening ??= openServerBooks(url).catch((error) => {
      opening = undefined;
      throw error;
    });
    return opening;
  }
  books().catch(() => undefined);
  return { books, close: async () => (await opening?.catch(() => undefined))?.close() };
}

/** The driver is loaded only when it is needed: it costs start-up time and memory. */
async function openServerBooks(url: string): Promise<SandboxBooks> {
  const { openMongoBooks } = await import('./mongodb-books.ts');
  return openMongoBooks(url);
}

function isSame(booked: { amount: number; currency: string; method: string }, charge: Charge): boolean {
  const { amount, currency, method } = charge;
  return booked.amount === amount && booked.currency === currency && booked.method === method;
}

function declineReason(method: string): string | null {
  if (method === 'pm_decline') return 'The card has insufficient funds';
  const isKnown = ['pm_ok', 'pm_delay', 'pm_fail_once', 'pm_late'].includes(method);
  return isKnown ? null : `The payment method ${method} is unknown`;
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
