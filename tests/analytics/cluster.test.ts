/**
 * Spark in a cluster, with two executors of which one is killed in mid-run, answers every question as DuckDB does, and
 * reporting returns its answers. Runs with REQUIRE_CLUSTER=1, in a namespace of its own.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Table } from '@slipway/reporting/analytics/duckdb';
import { findSparkAnswers, readSparkAnswer } from '@slipway/reporting/analytics/spark-answers';
import { loadQuestions } from '@slipway/reporting/questions';
import { startReporting } from '@slipway/reporting/testing/service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { refuseForeignCluster } from '../support/kubectl.ts';
import { eventually } from '../support/people.ts';
import { downloadAnswers, listVolume, namespace, sh, upload, writeOverlay } from './cluster-spark.ts';
import { exportYear } from './exported-year.ts';

const { REQUIRE_CLUSTER, CHAOS_CONTEXT } = process.env;
const limit = 900_000;
const questions = loadQuestions();

describe.skipIf(!REQUIRE_CLUSTER)(
  'over a generated year, Spark in a cluster (needs REQUIRE_CLUSTER=1)',
  () => {
    let root: string;
    let folder: string;
    let byDuckDb: Map<string, Table>;

    const kubectl = (args: string) => sh(`kubectl ${args} --namespace=${namespace}`, root);
    const executors = async () => {
      const running =
        '-l app.kubernetes.io/name=spark-executor --field-selector=status.phase=Running -o name';
      return (await kubectl(`get pods ${running}`)).split('\n').filter(Boolean);
    };

    beforeAll(async () => {
      await refuseForeignCluster(CHAOS_CONTEXT);
      root = await mkdtemp(join(tmpdir(), 'spark-cluster-'));
      folder = join(root, 'export');
      writeOverlay(root);
      await sh(`kubectl delete namespace ${namespace} --ignore-not-found --timeout=180s`, root);
      await sh('kubectl apply -f namespace.yaml -f volume.yaml', root);
      byDuckDb = await exportYear(folder);
      await kubectl('wait pod/files --for=condition=Ready --timeout=120s');
      await upload(folder);
      await sh('kubectl apply -k k8s/overlays/local/spark', root);
      await sh(`kubectl create job --from=cronjob/spark spark-now --namespace=${namespace}`, root);
      await killOneExecutor();
      await sh(
        `kubectl wait job/spark-now --for=condition=complete --timeout=9m --namespace=${namespace}`,
        root,
      );
      await downloadAnswers(folder);
    }, limit);

    /** Kills one of two executors when there is one answer, and six are missing. */
    async function killOneExecutor(): Promise<void> {
      const answered = () => listVolume('answers/spark/*/*/_SUCCESS');
      await eventually(
        'Spark has answered a question',
        async () => (await answered()).length > 0,
        240_000,
        1_000,
      );
      const [first = '', ...others] = await executors();
      expect(others).toHaveLength(1);
      await kubectl(`delete ${first} --grace-period=0 --force`);
      expect((await answered()).length).toBeLessThan(questions.length);
    }

    afterAll(async () => {
      await sh(`kubectl delete namespace ${namespace} --wait=false`, root);
      await rm(root, { recursive: true });
    }, limit);

    it('goes on with another executor in the place of the one that was killed', async () => {
      const scheduled =
        "get events --field-selector=reason=Scheduled -o jsonpath='{.items[*].involvedObject.name}'";
      const names = (await kubectl(scheduled)).split(' ').filter((name) => /-exec-\d+$/.test(name));
      expect(new Set(names).size).toBeGreaterThan(2);
    });

    it.each([
      ['delete pod files', 'may change only what belongs to its application'],
      ['create -f no-executor.yaml', 'may make executors only'],
      ['create -f with-secret.yaml', 'must not read a Secret'],
    ])('has a driver that may not %s', async (command, message) => {
      const asDriver = `--as=system:serviceaccount:${namespace}:spark --dry-run=server`;
      await expect(kubectl(`${command} ${asDriver}`)).rejects.toThrow(message);
    });

    it.each(questions.map(({ name }) => name))('answers %s as DuckDB does', async (name) => {
      const { folder: run } = await findSparkAnswers(folder);
      const options = { temporaryFolder: join(root, 'spill') };
      expect(byDuckDb.get(name)?.rows.length).toBeGreaterThan(0);
      expect(await readSparkAnswer(join(folder, run), name, options)).toEqual(byDuckDb.get(name));
    });

    it('has its answers returned by reporting, which are those of DuckDB', async () => {
      const reporting = await startReporting('sqlite::memory:', { ANALYTICS_FOLDER: folder });
      try {
        for (const { name } of questions) {
          const url = `/api/v1/reports/questions/${name}`;
          const [spark, duckdb] = [
            await reporting.ask('GET', `${url}?engine=spark`),
            await reporting.ask('GET', url),
          ];
          expect(spark.statusCode).toBe(200);
          // The job of this reporting has exported again, and found no new event.
          expect(spark.json().items).toEqual(duckdb.json().items);
        }
      } finally {
        await reporting.stop();
      }
    });
  },
);
