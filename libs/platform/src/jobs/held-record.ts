import { isDeepStrictEqual } from 'node:util';
import type { DomainEvent } from '@slipway/contract-kit/event';
import { LeaseLost } from './fence.ts';
import type { JobRecord, JobStore, Lease } from './job-record.ts';

/** A change of the record by the holder of its lease. @throws {LeaseLost} if the record has another lease. */
type Rule = (record: JobRecord) => { next: JobRecord; events?: DomainEvent[] };

/** The record of a job whose lease this process holds. Writes take place one after the other. */
export type HeldRecord = {
  readonly record: JobRecord;
  readonly lease: Lease;
  /** When the lease ends unless it is renewed, on the clock of `performance.now()`. */
  readonly validUntil: number;
  /**
   * Writes a change, which also renews the lease. After an error, call it again with the same rule: the change is made
   * once, even if the store has made it without a response.
   *
   * @throws {LeaseLost} if another replica has taken the job over.
   */
  write(rule: Rule): Promise<JobRecord>;
};

/**
 * Follows a record whose lease was just taken.
 *
 * @param takenAt when the command that took it was sent, on the clock of `performance.now()`
 */
export function heldRecord(store: JobStore, claimed: JobRecord, takenAt: number): HeldRecord {
  const lease = leaseOf(claimed);
  let record = claimed;
  let validUntil = takenAt + lease.ms;
  let last: Promise<unknown> = Promise.resolve();

  /** The records of writes that failed, by their rule. The store may have written them nevertheless. */
  const unsure = new WeakMap<Rule, JobRecord>();

  async function replace(rule: Rule): Promise<JobRecord> {
    for (;;) {
      // The store has made this very write already. A failed write of another rule does not count for this one.
      const failed = unsure.get(rule);
      if (failed && isStored(failed, record)) return record;
      const sentAt = performance.now();
      const { next, events = [] } = rule(record);
      if (await sendOrRemember(rule, next, events)) {
        record = next;
        // Other replicas wait for the lease's length after they see this write, so at least from when it was sent.
        validUntil = sentAt + lease.ms;
        return record;
      }
      const present = await store.get(record.id);
      if (!present) throw new LeaseLost(record.id);
      record = present;
    }
  }

  async function sendOrRemember(rule: Rule, next: JobRecord, events: DomainEvent[]): Promise<boolean> {
    try {
      return await store.replace({ next, events });
    } catch (error) {
      unsure.set(rule, next);
      throw error;
    }
  }

  return {
    lease,
    get record() {
      return record;
    },
    get validUntil() {
      return validUntil;
    },
    write(rule) {
      const write = last.then(
        () => replace(rule),
        () => replace(rule),
      );
      last = write;
      return write;
    },
  };
}

function leaseOf({ id, lease }: JobRecord): Lease {
  if (!lease) throw new Error(`The record of ${id} has no lease`);
  return lease;
}

function isStored(record: JobRecord, present: JobRecord): boolean {
  return record.version === present.version && isDeepStrictEqual(JSON.parse(JSON.stringify(record)), present);
}
