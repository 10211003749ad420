import type { JobRecord, JobStore } from './job-record.ts';

/** Makes a store of jobs in memory, which copies what it is given and returns as a database does. */
export function memoryJobs(): JobStore {
  const records = new Map<string, string>();
  const read = (id: string) => {
    const text = records.get(id);
    return text === undefined ? undefined : (JSON.parse(text) as JobRecord);
  };
  const write = (next: JobRecord) => {
    records.set(next.id, JSON.stringify(next));
    return true;
  };
  return {
    get: async (id) => read(id),
    list: async () => [...records.keys()].sort().flatMap((id) => read(id) ?? []),
    add: async ({ next }) => !records.has(next.id) && write(next),
    replace: async ({ next }) => read(next.id)?.version === next.version - 1 && write(next),
    remove: async (id, { version } = {}) =>
      (version === undefined || read(id)?.version === version) && records.delete(id),
  };
}
