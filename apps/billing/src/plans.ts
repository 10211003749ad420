import type { Plan } from '@slipway/contracts/billing';
import { problem } from '@slipway/contracts/errors';

/**
 * The plan catalogue. A release with new prices does not change periods that have begun, because subscriptions store
 * the agreed terms. All plans of a currency meter the same metrics, so that a change of plan leaves no usage unbilled.
 */
export const plans: readonly Plan[] = [
  {
    id: 'free',
    name: 'Free',
    currency: 'EUR',
    price: 0,
    meters: [
      { metric: 'api_calls', included: 1_000, price: 100, per: 1_000 },
      { metric: 'storage_gb_hours', included: 720, price: 5, per: 100 },
    ],
  },
  {
    id: 'starter',
    name: 'Starter',
    currency: 'EUR',
    price: 1_900,
    meters: [
      { metric: 'api_calls', included: 10_000, price: 60, per: 1_000 },
      { metric: 'storage_gb_hours', included: 7_200, price: 4, per: 100 },
    ],
  },
  {
    id: 'pro',
    name: 'Pro',
    currency: 'EUR',
    price: 9_900,
    meters: [
      { metric: 'api_calls', included: 100_000, price: 35, per: 1_000 },
      { metric: 'storage_gb_hours', included: 72_000, price: 3, per: 100 },
    ],
  },
  {
    id: 'pro-usd',
    name: 'Pro (US dollars)',
    currency: 'USD',
    price: 10_900,
    meters: [
      { metric: 'api_calls', included: 100_000, price: 39, per: 1_000 },
      { metric: 'storage_gb_hours', included: 72_000, price: 3, per: 100 },
    ],
  },
];

/** @throws {Problem} unknown_plan with the field `body.planId`. */
export function planOf(id: string): Plan {
  const plan = plans.find((each) => each.id === id);
  if (plan) return plan;
  const message = `must be one of ${plans.map((each) => each.id).join(', ')}`;
  throw problem('unknown_plan', undefined, { fields: [{ field: 'body.planId', message }] });
}
