import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Question } from '../questions.ts';
import { filesOf, findExport } from './answers.ts';
import type { Table } from './duckdb.ts';
import type { Manifest } from './manifest.ts';
import { readSparkAnswer } from './spark-answers.ts';
import { sparkScript } from './spark-script.ts';

/** The image that Spark runs in. It has `spark-sql`. */
const sparkImage = 'apache/spark:4.3.0';

/** Where the container has the export, and where it writes the script's results. */
const mounts = { export: '/export', work: '/work' };
const script = 'questions.sql';

/** Settings with which one process needs no network. */
const settings = {
  'spark.sql.catalogImplementation': 'in-memory',
  'spark.sql.warehouse.dir': '/tmp/warehouse',
  'spark.driver.host': 'localhost',
  'spark.driver.bindAddress': '127.0.0.1',
  'spark.ui.enabled': 'false',
};

/**
 * Arguments by the number of events. A run over few of them ends before Java's optimizing compiler, or a third partition,
 * would pay: it takes about half the CPU without.
 */
const effortFor = (events: number) =>
  events < 1_000_000
    ? ['--conf', 'spark.sql.shuffle.partitions=2', '--driver-java-options', '-XX:TieredStopAtLevel=1']
    : ['--conf', 'spark.sql.shuffle.partitions=8'];

export type SparkOptions = {
  /** The folder of the export. */
  folder: string;
  /** An empty folder for the script and the results. */
  work: string;
  /** The user that Spark runs as, who owns the results. */
  user: { uid: number; gid: number };
  /** Memory of Spark's process; 1 GB by default. */
  memory?: string;
  threads?: number;
  signal?: AbortSignal;
};

/**
 * Asks questions about the last export with Apache Spark, in its image, which Docker runs on this machine.
 *
 * @throws {ExportMissing} if there is no export
 * @throws {Error} if Docker or Spark fails, with the last lines that it wrote
 */
export async function askSpark(questions: Question[], options: SparkOptions): Promise<Answer[]> {
  const { folder, work, user, signal } = options;
  const manifest = await findExport(folder);
  if (filesOf(folder, manifest).length === 0) throw new Error(`The export in ${folder} has no events.`);
  for (const [name, content] of Object.entries(sparkFiles(manifest, questions, user))) {
    await writeFile(join(work, name), content);
  }
  await runDocker(sparkCommand(manifest, options), signal);
  const found: Answer[] = [];
  const reading = { temporaryFolder: join(work, 'spill'), threads: 1 };
  for (const question of questions) {
    found.push({ question, table: await readSparkAnswer(work, question.name, reading) });
  }
  return found;
}

export type Answer = { question: Question; table: Table };

function runDocker(args: string[], signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile('docker', args, { signal, maxBuffer: 64 * 1024 * 1024 }, (error, _stdout, stderr) => {
      if (!error) return resolve();
      if (signal?.aborted) return reject(signal.reason);
      if (error.code === 'ENOENT') return reject(new Error('Spark runs in Docker, which is not installed.'));
      reject(new Error(`Spark failed.\n${stderr.trimEnd().split('\n').slice(-15).join('\n')}`));
    });
  });
}

/**
 * Returns the files that a run of Spark needs in its folder `work`: the script, and a table of users, because Java must
 * find the name of its own.
 */
function sparkFiles(manifest: Manifest, questions: Question[], { uid, gid }: SparkOptions['user']) {
  return {
    [script]: sparkScript(manifest, questions),
    passwd: `spark:x:${uid}:${gid}::/tmp:/bin/false\n`,
  };
}

/** Returns the arguments of `docker` that run Spark once, on this machine, without a network. */
function sparkCommand({ events }: Manifest, options: SparkOptions): string[] {
  const { folder, work, user, memory = '1g', threads = 2 } = options;
  const conf = Object.entries(settings).flatMap(([name, value]) => ['--conf', `${name}=${value}`]);
  return [
    ...['run', '--rm', '--network', 'none', '--hostname', 'localhost'],
    ...['--user', `${user.uid}:${user.gid}`, '--workdir', mounts.export],
    ...['--env', 'HOME=/tmp', '--env', `ANSWERS=${mounts.work}`],
    ...['--volume', `${join(work, 'passwd')}:/etc/passwd:ro`],
    ...['--volume', `${folder}:${mounts.export}:ro`, '--volume', `${work}:${mounts.work}`],
    ...[sparkImage, '/opt/spark/bin/spark-sql', '--master', `local[${threads}]`, '--driver-memory', memory],
    ...effortFor(events),
    ...conf,
    ...['-f', `${mounts.work}/${script}`],
  ];
}
