import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadQuestions } from '@slipway/reporting/questions';
import { storeHistory } from '@slipway/reporting/testing/history';
import type { Asked } from './analytics/ask.ts';
import { askDuckDb } from './analytics/duckdb.ts';
import { measureExport } from './analytics/exports.ts';
import { addFigures, type Figures, readFigures } from './analytics/figures.ts';
import { measureSpark } from './analytics/spark.ts';
import { answerPicture, answerTable, exportTable } from './analytics/tables.ts';
import { writeReport } from './report.ts';

const steps = ['store', 'export', 'duckdb', 'spark'] as const;
type Step = (typeof steps)[number];

/**
 * Measures exports of a generated history, and the questions about it on DuckDB and on Spark with two threads.
 *
 * Options: `--millions=1,5` numbers of events; `--steps=store,export,duckdb,spark`; `--memory=128MB,512MB` of DuckDB;
 * `--spark-memory=1g`; `--folder=<path>` keeps the data and the figures there, and later runs continue with them.
 */
export async function analytics(args: string[]): Promise<void> {
  const options = readOptions(args);
  mkdirSync(options.folder, { recursive: true });
  try {
    for (const millions of options.millions) {
      for (const step of options.steps) await run[step](millions, options);
    }
    const figures = readFigures(options.folder);
    if (figures.length === 0) return;
    writeReport('analytics-export', exportTable(figures), 'analytics');
    writeReport('analytics', answerTable(figures));
    writeFileSync(new URL('../../docs/analytics-engines.svg', import.meta.url), answerPicture(figures));
  } finally {
    if (!options.isKept) rmSync(options.folder, { recursive: true, force: true });
  }
}

type Options = ReturnType<typeof readOptions>;

function readOptions(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      millions: { type: 'string', default: '1,5' },
      steps: { type: 'string', default: steps.join(',') },
      memory: { type: 'string', default: '128MB,512MB' },
      'spark-memory': { type: 'string', default: '1g' },
      folder: { type: 'string' },
    },
  });
  return {
    millions: values.millions.split(',').map(Number),
    steps: values.steps.split(',') as Step[],
    memory: values.memory.split(','),
    sparkMemory: values['spark-memory'],
    folder: values.folder ?? mkdtempSync(join(tmpdir(), 'slipway-bench-')),
    isKept: values.folder !== undefined,
  };
}

const storeOf = (millions: number, { folder }: Options) => join(folder, `${millions}m.db`);
const exportOf = (millions: number, { folder }: Options) => join(folder, `${millions}m`);

const run: Record<Step, (millions: number, options: Options) => Promise<void>> = {
  async store(millions, options) {
    const path = storeOf(millions, options);
    if (!existsSync(path)) storeHistory(path, millions * 1e6);
  },
  async export(millions, options) {
    for (const memory of options.memory) {
      const costs = await measureExport(storeOf(millions, options), exportOf(millions, options), memory);
      add(options, { millions, exports: { [memory]: costs }, answers: {} });
    }
  },
  async duckdb(millions, options) {
    for (const memory of options.memory) {
      const found = await askDuckDb(loadQuestions(), exportOf(millions, options), memory);
      add(options, { millions, exports: {}, answers: { [`DuckDB, ${memory}`]: found } });
    }
  },
  async spark(millions, options) {
    const { folder, sparkMemory } = options;
    const found = await measureSpark(
      loadQuestions(),
      exportOf(millions, options),
      join(folder, 'work'),
      sparkMemory,
    );
    checkAnswers(
      found,
      readFigures(folder).find((each) => each.millions === millions),
    );
    add(options, { millions, exports: {}, answers: { [`Spark local[2], ${sparkMemory}`]: found } });
  },
};

function add(options: Options, figures: Figures): void {
  process.stdout.write(`  ${JSON.stringify(figures)}\n`);
  addFigures(options.folder, figures);
}

/** Figures of two engines can be compared only if their answers are the same. */
function checkAnswers(found: Record<string, Asked>, figures?: Figures): void {
  for (const answers of Object.values(figures?.answers ?? {})) {
    for (const [name, answer] of Object.entries(answers as Record<string, Asked>)) {
      if (answer.hash && found[name] && found[name].hash !== answer.hash) {
        throw new Error(`The engines answer ${name} differently.`);
      }
    }
  }
}
