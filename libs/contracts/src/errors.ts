import { platformProblems, problemsOf } from '@slipway/contract-kit/problem';

/** All error codes of Slipway's services: the platform's codes and the services' own. */
export const problemTable = {
  ...platformProblems,
  wrong_credentials: { status: 401, title: 'The e-mail address or the password is wrong' },
  refresh_token_invalid: { status: 401, title: 'The refresh token is no longer valid' },
  payment_declined: { status: 402, title: 'The payment was declined' },
  email_taken: { status: 409, title: 'An account with this e-mail address already exists' },
  last_administrator: { status: 409, title: 'This is the last administrator' },
  subscription_ended: { status: 409, title: 'The subscription has ended' },
  invoices_open: { status: 409, title: 'Open invoices must be paid first' },
  invoice_not_payable: { status: 409, title: 'The invoice cannot be paid in its current state' },
  refund_refused: { status: 409, title: 'The payment provider rejected the refund' },
  currency_differs: { status: 422, title: "The plan's currency differs from the subscription's" },
  refund_exceeds_payment: { status: 422, title: 'The refunds would exceed the payment' },
  sum_too_large: { status: 422, title: 'The sum is too large to be exact' },
  unknown_plan: { status: 422, title: 'The plan does not exist' },
  unknown_metric: { status: 422, title: "The subscription's plan does not include this metric" },
  payment_unconfirmed: {
    status: 503,
    title: 'The payment provider has not confirmed the payment or refund yet',
  },
} as const;

export type ProblemCode = keyof typeof problemTable;

/** Creates a problem with a code of this table. */
export const problem = problemsOf<ProblemCode>(problemTable);
