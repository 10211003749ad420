/** Starts each scheduled job twice at once in a cluster. Runs with REQUIRE_CLUSTER=1. */
import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { serviceNames, system } from '../../scripts/system.ts';
import { kubectl, readJson } from '../support/kubectl.ts';

const { REQUIRE_CLUSTER } = process.env;

type Run = { startedAt: string; finishedAt: string; exitCode: number };
type Pods = { items: { status: { containerStatuses: { state: { terminated?: Run } }[] } }[] };

/** The runs of Jobs that have completed, in their order. */
async function runsOf(jobs: string[]): Promise<Run[]> {
  const { items } = await readJson<Pods>('get', 'pods', '-l', `job-name in (${jobs.join(',')})`);
  const runs = items.flatMap(({ status }) => status.containerStatuses[0]?.state.terminated ?? []);
  return runs.toSorted((a, b) => a.startedAt.localeCompare(b.startedAt));
}

describe.skipIf(!REQUIRE_CLUSTER)('in the cluster (needs REQUIRE_CLUSTER=1)', { timeout: 240_000 }, () => {
  let jobs: string[] = [];
  afterEach(() => kubectl('delete', 'job', ...jobs));

  it.each(serviceNames.flatMap((name) => system[name].jobs))(
    '%s begun twice at once runs twice, one after the other, and succeeds',
    async (name) => {
      jobs = [1, 2].map(() => `${name}-${randomUUID().slice(0, 8)}`);
      await Promise.all(jobs.map((job) => kubectl('create', 'job', job, `--from=cronjob/${name}`)));
      const completed = jobs.map((job) => `job/${job}`);
      await kubectl('wait', '--for=condition=complete', '--timeout=180s', ...completed);
      const [first, second, ...others] = await runsOf(jobs);
      expect(others).toEqual([]);
      expect([first?.exitCode, second?.exitCode]).toEqual([0, 0]);
      expect(Date.parse(second?.startedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(first?.finishedAt ?? ''));
    },
  );
});
