import type { PlatformProblem } from '@slipway/contract-kit/problem';
import { Problem } from '@slipway/contract-kit/problem';
import { countBy, count as declare, gauge } from '@slipway/platform/telemetry/declare';
import type { Metrics } from '@slipway/platform/telemetry/metrics';
import type { Passwords } from './passwords.ts';
import type { SigningKeys } from './signing-keys.ts';

const signInOutcomes = ['succeeded', 'refused', 'limited', 'failed'] as const;

type SignInOutcome = (typeof signInOutcomes)[number];

export type Counts = ReturnType<typeof createCounts>;

/** Creates the counters of business events in this process. Each is counted once, by the process that decides it. */
export function createCounts(metrics: Metrics) {
  const signUps = { name: 'users_signed_up_total', help: 'Accounts that this process created' };
  const signIns = {
    name: 'users_sign_ins_total',
    help: 'Logins by outcome. `refused`: wrong password or e-mail address; `limited`: too many attempts; `failed`: other errors',
  };
  return {
    signUps: declare(metrics, signUps),
    signIns: countBy(metrics, signIns, 'outcome', signInOutcomes),
  };
}

/** Returns the outcome to count for an attempt to sign in that threw an error. */
export function signInOutcome(error: unknown): SignInOutcome {
  if (!(error instanceof Problem)) return 'failed';
  if (error.code === 'wrong_credentials') return 'refused';
  return error.code === ('rate_limited' satisfies PlatformProblem) ? 'limited' : 'failed';
}

/** Exports the load of the password hashing, and the creation time of the signing key. */
export function measureUsers(metrics: Metrics, passwords: Passwords, keys: SigningKeys): void {
  const running = {
    name: 'users_password_hashes_running',
    help: 'Passwords that are being hashed or checked',
  };
  gauge(metrics, running, () => passwords.load().running);
  const waiting = {
    name: 'users_password_hashes_waiting',
    help: 'Passwords that wait to be hashed or checked; more than 64 are rejected',
  };
  gauge(metrics, waiting, () => passwords.load().waiting);
  const created = {
    name: 'signing_key_created_timestamp_seconds',
    help: 'Creation time of the newest key for access tokens that this process has read',
  };
  gauge(metrics, created, () => keys.newestCreatedAt() / 1000);
}
