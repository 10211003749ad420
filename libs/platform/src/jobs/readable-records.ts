import type { Logger } from '../telemetry/log.ts';
import { plannedFrom, type Records } from './due-runs.ts';
import type { JobRecord } from './job-record.ts';

/**
 * Makes a function that returns the records that this version can read, by name. One that it cannot read, such as one
 * that a replica of a later version has written, is logged and stops its own job only, on this replica only.
 */
export function createReader(log: Logger): (listed: readonly JobRecord[]) => Records {
  const unreadable = new Map<string, number>();

  function isReadable(record: JobRecord): boolean {
    try {
      plannedFrom(record.plan, record.registeredAt);
      return true;
    } catch (error) {
      const { id, version } = record;
      if (unreadable.get(id) !== version)
        log.error({ err: error, job: id }, 'the record of a job cannot be read');
      unreadable.set(id, version);
      return false;
    }
  }

  return (listed) => new Map(listed.filter(isReadable).map((record) => [record.id, record]));
}
