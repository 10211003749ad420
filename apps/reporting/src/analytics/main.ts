/**
 * Answers questions about all events of reporting: npm run analytics [-- <question> …]
 *
 *   --csv, --json      the answer in another format than a table; CSV for one question
 *   --chart <folder>   also draw each answer as <folder>/<question>.svg
 *   --engine spark     ask Apache Spark, in its image, instead of DuckDB
 *   --from <folder>    ask the export in this folder as it is, instead of exporting the events first
 *   --memory 512MB     memory of DuckDB's buffers, or of Spark
 *
 * Environment: DATA_DIR (./data) is the folder of `npm start`, whose events are exported to $DATA_DIR/analytics. STORE_URL is
 * another store of reporting, such as datastore://<project>.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { toCsv } from '../formats.ts';
import { loadQuestions, type Question } from '../questions.ts';
import { openEvents } from '../store/open-events.ts';
import { openAnswers } from './answers.ts';
import { toSvg } from './chart.ts';
import { exportEvents } from './export.ts';
import { createProgress } from './progress.ts';
import { toRows, toText } from './render.ts';
import { type Answer, askSpark } from './spark.ts';

type Options = ReturnType<typeof readOptions>;

const stop = new AbortController();
const progress = createProgress(process.stderr);

function readOptions(args: string[]) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      csv: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      chart: { type: 'string' },
      engine: { type: 'string', default: 'duckdb' },
      from: { type: 'string' },
      memory: { type: 'string' },
    },
  });
  const questions = chosen(positionals);
  if (!['duckdb', 'spark'].includes(values.engine)) {
    throw new Error(`There is no engine ${values.engine}; there are duckdb and spark.`);
  }
  if (values.csv && values.json) throw new Error('Choose one of --csv and --json.');
  if (values.csv && questions.length !== 1) throw new Error('--csv needs the name of one question.');
  return { ...values, questions };
}

function chosen(names: string[]): Question[] {
  const all = loadQuestions();
  const unknown = names.filter((name) => !all.some((question) => question.name === name));
  if (unknown.length > 0) {
    const known = all.map(({ name }) => name).join(', ');
    throw new Error(`There is no question ${unknown.join(', ')}; there are ${known}.`);
  }
  return names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
}

/** Exports the events of `npm start`, and returns the folder. */
async function exported(memory: string | undefined): Promise<string> {
  const dataDir = process.env.DATA_DIR || 'data';
  const path = join(dataDir, 'reporting.db');
  const url = process.env.STORE_URL || `sqlite:${path}`;
  if (url === `sqlite:${path}` && !existsSync(path)) {
    throw new Error(`There are no events: ${path} does not exist. Run npm start first, or set DATA_DIR.`);
  }
  const folder = join(dataDir, 'analytics');
  const store = await openEvents(url);
  try {
    const onProgress = (events: number) =>
      progress.show(`Exporting: ${events.toLocaleString('en')} new events`);
    await exportEvents({ store, folder, signal: stop.signal, memory, onProgress });
    return folder;
  } finally {
    await store.close();
  }
}

async function answers(folder: string, { engine, memory, questions }: Options): Promise<Answer[]> {
  const temporaryFolder = await mkdtemp(join(tmpdir(), 'slipway-analytics-'));
  try {
    if (engine === 'spark') {
      progress.show('Spark starts, and answers');
      const user = { uid: process.getuid?.() ?? 185, gid: process.getgid?.() ?? 185 };
      const options = { folder: resolve(folder), work: temporaryFolder, user, memory, signal: stop.signal };
      return await askSpark(questions, options);
    }
    const duckdb = await openAnswers(folder, { temporaryFolder, memory, signal: stop.signal });
    try {
      const found: Answer[] = [];
      for (const question of questions) {
        progress.show(`Asking: ${question.name}`);
        found.push({ question, table: await duckdb.ask(question) });
      }
      return found;
    } finally {
      duckdb.close();
    }
  } finally {
    await rm(temporaryFolder, { recursive: true, force: true });
  }
}

async function formatted(found: Answer[], { csv, json }: Options): Promise<string> {
  if (json) {
    const byName = found.map(({ question, table }) => [question.name, toRows(table)]);
    return `${JSON.stringify(Object.fromEntries(byName), null, 2)}\n`;
  }
  if (csv) {
    const table = found[0]?.table ?? { columns: [], rows: [] };
    const names = table.columns.map(({ name }) => name);
    return text(toCsv(names, toRows(table)));
  }
  return found
    .map(({ question, table }) => {
      const rows = table.rows.length === 0 ? 'Nothing to report.\n' : toText(table);
      return `${question.name}: ${question.title}\n\n${rows}`;
    })
    .join('\n');
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  const folder = options.from ?? (await exported(options.memory));
  const found = await answers(folder, options);
  progress.end();
  if (options.chart !== undefined) {
    mkdirSync(options.chart, { recursive: true });
    for (const { question, table } of found) {
      writeFileSync(
        join(options.chart, `${question.name}.svg`),
        toSvg(question.title, question.chart, table),
      );
    }
  }
  process.stdout.write(await formatted(found, options));
}

process.once('SIGINT', () => stop.abort(new Error('Stopped.')));
process.once('SIGTERM', () => stop.abort(new Error('Stopped.')));
try {
  await main();
} catch (error) {
  progress.end();
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
