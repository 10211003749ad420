import { toProblem } from '@slipway/platform/http/problem-responses';
import { noteBroken } from '@slipway/platform/telemetry/observe';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { chooseFormat, type Rows, toCsv, toNdjson } from '../formats.ts';

/**
 * Sends a report in the format that the client prefers. CSV and NDJSON are streamed.
 *
 * @param row the contract of a row, whose fields are the columns of CSV
 */
export async function sendReport<Row extends Record<string, string | number>>(
  request: FastifyRequest,
  reply: FastifyReply,
  row: { properties: Record<keyof Row, unknown> },
  rows: Rows<Row>,
): Promise<{ items: Row[] }> {
  const format = chooseFormat(request.headers.accept);
  reply.header('vary', 'accept');
  if (format === 'application/json') return { items: await Array.fromAsync(rows) };
  const lines = format === 'text/csv' ? toCsv(Object.keys(row.properties), rows) : toNdjson(rows);
  lines.once('error', (error) => noteBroken(reply, toProblem(error)));
  return reply.type(`${format}; charset=utf-8`).send(lines);
}
