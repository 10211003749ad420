import type { JobRecord } from './job-record.ts';

/**
 * Finds leases whose holder has stopped renewing them. A lease has ended when its record has not changed for the length
 * of the lease, by the clock of this process alone: the clocks of replicas and of the store may differ. So a process
 * that has just started waits for a whole lease before it takes a job over.
 * Source: https://pkg.go.dev/k8s.io/client-go/tools/leaderelection
 *
 * @param clock a clock that is never set; milliseconds
 */
export function watchLeases(clock: () => number = () => performance.now()) {
  const seen = new Map<string, { version: number; since: number }>();
  return {
    /** Returns the milliseconds until the lease of a record ends, from what this process has seen; 0 if it has none. */
    left({ id, version, lease }: JobRecord): number {
      if (!lease) {
        seen.delete(id);
        return 0;
      }
      const now = clock();
      const before = seen.get(id);
      const since = before?.version === version ? before.since : now;
      seen.set(id, { version, since });
      return Math.max(0, since + lease.ms - now);
    },
  };
}
