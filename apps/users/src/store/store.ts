import type { OutboxStore } from '@slipway/platform/events/outbox';
import type { JobStore } from '@slipway/platform/jobs/job-record';
import type { ServiceStore } from '@slipway/platform/service/service';
import type { AccountStore } from '../accounts.ts';
import type { AdministratorStore } from '../administrators.ts';
import type { AttemptStore } from '../login-limit.ts';
import type { SessionStore } from '../sessions.ts';
import type { KeyRingStore } from '../signing-keys.ts';

/** The stores of the users service. No rule needs one atomic change in two of them. */
export type UsersStore = ServiceStore & {
  outbox: OutboxStore;
  accounts: AccountStore;
  administrators: AdministratorStore;
  sessions: SessionStore;
  attempts: AttemptStore;
  keyRing: KeyRingStore;
  jobs: JobStore;
};
