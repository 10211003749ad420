import { Problem } from '@slipway/contract-kit/problem';
import type { UsageImport as Report, UsageRecord } from '@slipway/contracts/billing';
import { problem } from '@slipway/contracts/errors';
import { takeBreaks } from '@slipway/platform/core/breaks';
import { checkDepth } from '@slipway/platform/http/json-depth';
import type { Static } from 'typebox';
import type { Line } from './ndjson.ts';
import type { RecordOutcome } from './usage-recording.ts';

type UsageImport = Static<typeof Report>;

type Importer = {
  /** Records a batch; returns the outcome of each record, in order. */
  record: (batch: UsageRecord[]) => Promise<RecordOutcome[]>;
  /** Validates a parsed line against the contract. @throws {Problem} with the errors of the line. */
  validate: (value: unknown) => UsageRecord;
  /** Called for each line that is not a valid record. */
  onInvalid: () => void;
};

/** A line that is not blank: its record, or its problem. */
type Entry = { line: number; content: UsageRecord | Problem };

/** Maximum size of a line in bytes. A usage record has about 200. */
export const maxLine = 16_384;
/**
 * Maximum number of lines in one batch: enough to share the cost of a write, and few enough to let other requests run.
 */
const batchSize = 1_000;
/** Maximum number of rejected lines in the report. */
const listed = 100;
/** Number of rejected lines that ends the import: the client has probably sent the wrong file. */
const maxRejected = 100_000;

/**
 * Records a stream of lines batch by batch. Reads on after each batch is written, so memory stays constant and a fast
 * client is slowed down to the speed of the store.
 *
 * @throws {Problem} invalid_request if very many lines are rejected.
 */
export async function importLines(
  lines: AsyncIterable<Line[]>,
  { record, validate, onInvalid }: Importer,
): Promise<UsageImport> {
  const report: UsageImport = { accepted: 0, duplicates: 0, rejected: 0, errors: [] };
  const breakDue = takeBreaks();
  let batch: Entry[] = [];

  const write = async () => {
    const entries = batch;
    batch = [];
    const outcomes = (await record(recordsOf(entries))).values();
    for (const { line, content } of entries) {
      count(report, line, content instanceof Problem ? content : outcomes.next().value);
    }
    if (report.rejected >= maxRejected) throw tooManyRejected(report);
  };

  for await (const chunk of lines) {
    for (const line of chunk) {
      const content = read(line, validate);
      if (!content) continue;
      if (content instanceof Problem) onInvalid();
      batch.push({ line: line.number, content });
      if (batch.length === batchSize) await write();
      await breakDue();
    }
    await breakDue();
  }
  await write();
  return report;
}

function recordsOf(entries: Entry[]): UsageRecord[] {
  return entries.flatMap(({ content }) => (content instanceof Problem ? [] : [content]));
}

function count(report: UsageImport, line: number, outcome: RecordOutcome | undefined): void {
  if (outcome === 'added') report.accepted += 1;
  if (outcome === 'duplicate') report.duplicates += 1;
  if (!(outcome instanceof Problem)) return;
  report.rejected += 1;
  if (report.errors.length < listed) {
    report.errors.push({ line, code: outcome.code, detail: outcome.message });
  }
}

function tooManyRejected({ accepted, duplicates, errors: [first] }: UsageImport): Problem {
  const before = `${accepted} records were added before, and ${duplicates} were duplicates`;
  const detail = `${maxRejected} lines were rejected, the first for: ${first?.detail}. ${before}`;
  return problem('invalid_request', detail, {
    fields: [{ field: 'body', message: 'has too many rejected lines' }],
  });
}

/** @returns what the line holds or what is wrong with it; `undefined` if it is blank. */
function read({ bytes }: Line, validate: Importer['validate']): UsageRecord | Problem | undefined {
  if (!bytes) return problem('payload_too_large', 'The line is too long');
  const text = bytes.length === 0 ? '' : bytes.toString().trim();
  if (text === '') return undefined;
  try {
    checkDepth(text);
    return validate(JSON.parse(text));
  } catch (error) {
    if (error instanceof Problem) return error;
    if (error instanceof SyntaxError) return problem('invalid_request', 'The line is not JSON');
    throw error;
  }
}
