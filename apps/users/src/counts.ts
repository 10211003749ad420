import type { PlatformProblem } from '@slipway/contract-kit/problem';
import { Problem } from '@slipway/contract-kit/problem';
import { countBy, count as declare, gauge } from '@slipway/platform/telemetry/declare';
import type { Metrics } from '@slipway/platform/telemetry/metrics';
import type { Passwords } from './passwords.ts';
import type { SigningKeys } from './signing-keys.ts';

const signInOutcomes = ['succeeded', 'refused', 'limited', 'failed'] as const;

type SignInOutcome = (typeof signInOutcomes)[number];

export type Counts = ReturnType<typeof createCounts>;

/** What happens here, counted where it is decided: once per fact, by the process that made it so. */
export function createCounts(metrics: Metrics) {
  const signUps = { name: 'users_signed_up_total', help: 'Accounts that this process made' };
  const signIns = {
    name: 'users_sign_ins_total',
    help: 'Attempts to sign in: `refused` for a wrong password or address, `limited` for too many of them',
  };
  return {
    signUps: declare(metrics, signUps),
    signIns: countBy(metrics, signIns, 'outcome', signInOutcomes),
  };
}

/** How an attempt to sign in counts that ended in an error. */
export function signInOutcome(error: unknown): SignInOutcome {
  if (!(error instanceof Problem)) return 'failed';
  if (error.code === 'wrong_credentials') return 'refused';
  return error.code === ('rate_limited' satisfies PlatformProblem) ? 'limited' : 'failed';
}

/** Shows the queue for the costly check of passwords, and the age of what signs the tokens. */
export function measureUsers(metrics: Metrics, passwords: Passwords, keys: SigningKeys): void {
  const running = { name: 'users_password_hashes_running', help: 'Passwords being hashed or checked' };
  gauge(metrics, running, () => passwords.load().running);
  const waiting = {
    name: 'users_password_hashes_waiting',
    help: 'Passwords that wait to be hashed or checked; beyond 64 logins are refused',
  };
  gauge(metrics, waiting, () => passwords.load().waiting);
  const created = {
    name: 'signing_key_created_timestamp_seconds',
    help: 'When the newest key that signs access tokens was made, as far as this process has seen',
  };
  gauge(metrics, created, () => keys.newestCreatedAt() / 1000);
}
