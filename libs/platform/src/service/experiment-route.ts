import { ExperimentRequest } from '@slipway/contract-kit/experiment';
import { Problem } from '@slipway/contract-kit/problem';
import type { Experiments } from '../experiments/experiments.ts';
import { invalidRequest } from '../http/problem-responses.ts';
import { createValidators } from '../http/validation.ts';
import {
  type Answer,
  type OperatorRequest,
  readJson,
  rejectOthers,
  rejectOtherTypes,
} from './operator-request.ts';

/** The experiments of a process, and the credential of those who may start them; without it nobody may. */
export type OperatedExperiments = { state: Experiments; token?: string };

/**
 * Starts an experiment at `PUT /experiment` with an `ExperimentRequest`, and ends it at `DELETE /experiment`. Both need the
 * token. A service without a token has no such path.
 */
export async function answerExperiment(
  { method, headers }: OperatorRequest,
  body: AsyncIterable<Buffer>,
  { state, token }: OperatedExperiments,
): Promise<Answer> {
  if (!token) return reject(404, 'Not found; experiments are allowed only where EXPERIMENTS_TOKEN is set');
  const rejection = rejectOthers(headers, token, 'EXPERIMENTS_TOKEN');
  if (rejection) return rejection;
  if (method === 'DELETE') {
    state.end();
    return { status: 200, body: { experiment: state.current } };
  }
  if (method !== 'PUT') return reject(405, 'Only PUT and DELETE are allowed');
  return rejectOtherTypes(headers) ?? start(body, state);
}

async function start(body: AsyncIterable<Buffer>, state: Experiments): Promise<Answer> {
  try {
    return { status: 200, body: { experiment: state.start(checked(await readJson(body))) } };
  } catch (error) {
    return reject(error instanceof Problem ? error.status : 400, (error as Error).message);
  }
}

const reject = (status: number, error: string): Answer => ({ status, body: { error } });

type Check = ((input: unknown) => boolean) & { errors?: Parameters<typeof invalidRequest>[0] };

/** Compiled for the first request, because most processes get none. */
let check: Check | undefined;

/** @throws {Problem} that names each wrong field */
function checked(input: unknown): ExperimentRequest {
  check ??= createValidators()({
    schema: ExperimentRequest,
    httpPart: 'body',
    method: 'PUT',
    url: '/experiment',
  }) as Check;
  if (!check(input)) throw invalidRequest(check.errors ?? []);
  return input as ExperimentRequest;
}
