import { platformProblems, problemsOf } from '@slipway/contract-kit/problem';

/** Every code that a Slipway service answers with: the platform's and the services' own. */
export const problemTable = {
  ...platformProblems,
  wrong_credentials: { status: 401, title: 'The e-mail address or the password is wrong' },
  refresh_token_invalid: { status: 401, title: 'The refresh token is not valid any more' },
  payment_declined: { status: 402, title: 'The payment was declined' },
  email_taken: { status: 409, title: 'An account with this e-mail address exists' },
  last_administrator: { status: 409, title: 'Nobody else administrates' },
  subscription_ended: { status: 409, title: 'The subscription has ended' },
  invoices_open: { status: 409, title: 'Open invoices must be paid first' },
  invoice_not_payable: { status: 409, title: 'The invoice cannot be paid in its present state' },
  refund_refused: { status: 409, title: 'The payment provider refused the refund' },
  currency_differs: { status: 422, title: 'The plan has another currency than the subscription' },
  refund_exceeds_payment: { status: 422, title: 'The refunds would exceed the payment' },
  sum_too_large: { status: 422, title: 'The sum is too large to be told exactly' },
  unknown_plan: { status: 422, title: 'There is no such plan' },
  unknown_metric: { status: 422, title: "The subscription's plan does not meter this" },
  payment_unconfirmed: { status: 503, title: 'The payment provider has not confirmed yet' },
} as const;

export type ProblemCode = keyof typeof problemTable;

/** Raises a problem of the whole table. */
export const problem = problemsOf<ProblemCode>(problemTable);
