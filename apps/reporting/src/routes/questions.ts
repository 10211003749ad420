import { join } from 'node:path';
import { problem } from '@slipway/contracts/errors';
import { getAnswer, listQuestions } from '@slipway/contracts/reporting';
import type { App } from '@slipway/platform/core/app';
import { timeLeft } from '@slipway/platform/core/request-context';
import { ExportMissing, openAnswers } from '../analytics/answers.ts';
import type { Table } from '../analytics/duckdb.ts';
import type { Analytics } from '../analytics/export.ts';
import { spillFolder } from '../analytics/leftovers.ts';
import { toRows } from '../analytics/render.ts';
import { AnswerMissing, findSparkAnswers, readSparkAnswer } from '../analytics/spark-answers.ts';
import { loadQuestions, type Question } from '../questions.ts';
import { sendReport } from './send-report.ts';

const maxTime = getAnswer.config.timeoutMs;

/**
 * Registers the routes of the questions about all events. They have no answer without a folder that events are exported
 * to.
 */
export function registerQuestionRoutes(app: App, analytics?: Analytics): void {
  const questions = loadQuestions();
  const oneAtATime = createTurnstile();

  app.route({
    ...listQuestions,
    handler: async () => ({ items: questions.map(({ name, title, chart }) => ({ name, title, chart })) }),
  });
  app.route({
    ...getAnswer,
    handler: async (request, reply) => {
      const question = questions.find(({ name }) => name === request.params.question);
      if (!question) {
        const known = questions.map(({ name }) => name).join(', ');
        throw problem('not_found', `There is no question ${request.params.question}; there are ${known}`);
      }
      if (!analytics) throw problem('not_found', 'Events are not exported here: ANALYTICS_FOLDER is not set');
      const answer = request.query.engine === 'spark' ? answerOfSpark : answerOfDuckDb;
      const { exportedAt, columns, rows } = await oneAtATime(() => answer(analytics, question));
      reply.header('exported-at', exportedAt);
      const properties = Object.fromEntries(columns.map((name) => [name, true]));
      const sent = await sendReport(request, reply, { properties }, rows);
      return 'items' in sent ? { exportedAt, ...sent } : sent;
    },
  });
}

type Answer = { exportedAt: string; columns: string[]; rows: ReturnType<typeof toRows> };

/** @throws {Problem} not_found if there is no export; unavailable if the time of the request is over. */
async function answerOfDuckDb({ folder, memory }: Analytics, question: Question): Promise<Answer> {
  return inTime(async (signal) => {
    const answers = await openAnswers(folder, { temporaryFolder: spillFolder(folder), memory, signal });
    try {
      return answerWith(answers.manifest.exportedAt, await answers.ask(question));
    } finally {
      answers.close();
    }
  });
}

/** @throws {Problem} not_found if Spark has not answered it; unavailable if the time of the request is over. */
async function answerOfSpark({ folder, memory }: Analytics, { name }: Question): Promise<Answer> {
  return inTime(async (signal) => {
    const answers = await findSparkAnswers(folder);
    const options = { temporaryFolder: spillFolder(folder), memory, signal };
    const table = await readSparkAnswer(join(folder, answers.folder), name, options);
    return answerWith(answers.exportedAt, table);
  });
}

function answerWith(exportedAt: string, table: Table): Answer {
  return { exportedAt, columns: table.columns.map(({ name }) => name), rows: toRows(table) };
}

async function inTime<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(Math.ceil(timeLeft(maxTime)));
  try {
    return await work(signal);
  } catch (error) {
    if (signal.aborted) throw problem('unavailable', 'The answer takes too long; ask with npm run analytics');
    if (error instanceof ExportMissing) {
      const detail = 'There is no export of the events yet; the job event-export makes one every day';
      throw problem('not_found', detail, { cause: error });
    }
    if (error instanceof AnswerMissing) throw problem('not_found', error.message, { cause: error });
    throw error;
  }
}

/** Returns a function that runs work one after the other: DuckDB's memory is limited for one question. */
function createTurnstile() {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
}
